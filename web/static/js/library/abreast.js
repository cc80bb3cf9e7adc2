/** The list keeps abreast of other tabs: what changed there shows here, and new pictures come where they disturb nobody. */

import { listImages, persist } from "../api.js";
import { hear } from "../tabs.js";

const MOST = 200; // pictures that one call names

/**
 * @param {import("./listing.js").Listing} listing
 * @param {() => string[]} near  what is to be right: the pictures near the screen
 * @param {() => boolean} calm  whether the list may move
 * @param {() => void} again  ask for all of it anew
 */
export function startAbreast(listing, near, calm, again) {
  hear("pictures", async () => {
    if (calm()) return again();
    const ids = near().slice(0, MOST);
    if (!ids.length) return undefined;
    const query = new URLSearchParams([...ids.map((id) => ["id", id]), ["limit", String(MOST)]]);
    const { images } = await persist(() => listImages(query));
    const there = new Set(images.map(({ id }) => id));
    listing.update(images);
    listing.remove(ids.filter((id) => !there.has(id)));
    return undefined;
  });
}
