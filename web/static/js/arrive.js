/** Somebody comes from the library: with settings, or with a picture to start from. */

import { getImage, getMetadata, persist } from "./api.js";
import { handed } from "./hand.js";
import { t } from "./i18n.js";

/** @typedef {import("./types.js").Picture} Picture */

/**
 * Do what the address says, once: a reload finds the form as it was left.
 * @param {(request: import("./types.js").JobRequest, picture: Picture | null) => Promise<void>} settle
 * @param {(picture: Picture, name?: string) => Promise<void>} put
 */
export async function arrive(settle, put) {
  const asked = new URLSearchParams(window.location.search);
  const [from, input] = [asked.get("from"), asked.get("input")];
  if (from === "hand") {
    const request = handed();
    if (request) await settle(request, null);
  } else if (from ?? input) {
    const id = String(from ?? input);
    const [picture, { request }] = await persist(() => Promise.all([getImage(id), getMetadata(id)]));
    if (!picture) throw new Error(t("There is no picture of this id; it may have been deleted."));
    if (input) await put(picture, picture.seed === null ? t("Picture from the library") : undefined);
    else if (request) await settle(request, picture);
  } else return;
  window.history.replaceState(null, "", "/");
}
