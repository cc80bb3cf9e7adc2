/** What a job made beside what it was made from: before and after on one spot, and where `raw` and `output` differ. */

import { bitmap } from "./api.js";
import { whole } from "./canvas/geometry.js";
import { maskedBox, NO_SIDES, region } from "./canvas/region.js";
import { inPieces } from "./canvas/pieces.js";
import { greysOf } from "./canvas/pixels.js";
import { el } from "./dom.js";
import { t } from "./i18n.js";
import { slider } from "./slider.js";

/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./types.js").Picture} Picture */

/**
 * A picture over the one it was made from. `sides`: what the new one was extended by; the old one stands where it was.
 * @param {{url: string, width: number, height: number}} after @param {string} before address of the old one
 * @param {Record<string, number> | null} [sides]
 * @returns {HTMLElement}
 */
export function beforeAfter(after, before, sides) {
  const { left, right, top, bottom } = { ...NO_SIDES, ...sides };
  const share = (/** @type {number} */ part, /** @type {number} */ all) => `${(100 * part) / all}%`;
  const [was, is] = [t("Before"), t("After")];
  const node = slider({ src: before, alt: was, name: was }, { src: after.url, alt: is, name: is }, t("Line between before and after"));
  Object.assign(/** @type {HTMLElement} */ (node.firstElementChild).style, {
    left: share(left, after.width),
    top: share(top, after.height),
    width: share(after.width - left - right, after.width),
    height: share(after.height - top - bottom, after.height),
  });
  return node;
}

/**
 * `raw` beside `output`, and where they differ: the brighter, the more. The three are of the part that was worked on, at
 * the size that the model worked at.
 * @param {Job} job @param {Picture} output @param {Picture} raw @returns {HTMLElement}
 */
export function besides(job, output, raw) {
  const shown = el("canvas", { width: raw.width, height: raw.height, role: "img", "aria-label": t("The finished picture, the part that was worked on") });
  const differences = el("canvas", { width: raw.width, height: raw.height, role: "img", "aria-label": t("Where the two differ") });
  const said = el("figcaption", { text: t("Where they differ") });
  const node = el(
    "div",
    { class: "besides" },
    el("figure", {}, shown, el("figcaption", { text: t("Set into the original") })),
    el("figure", {}, el("img", { src: raw.url, alt: t("What the model painted") }), el("figcaption", { text: t("What the model painted (raw)") })),
    el("figure", {}, differences, said),
  );
  node.style.setProperty("--ratio", String(raw.width / raw.height));
  compute(job, output, raw, shown, differences).then(
    (most) => (said.textContent = most ? t("Where they differ, by {most} of 255 at most", { most }) : t("They are the same")),
    (error) => (said.textContent = String(error instanceof Error ? error.message : error)),
  );
  return node;
}

/** @param {Job} job @param {Picture} output @param {Picture} raw @param {HTMLCanvasElement} shown @param {HTMLCanvasElement} into */
async function compute(job, output, raw, shown, into) {
  const [box, ours, theirs] = await Promise.all([worked(job, output), bitmap(output.id), bitmap(raw.id)]);
  const first = /** @type {CanvasRenderingContext2D} */ (shown.getContext("2d", { willReadFrequently: true }));
  first.drawImage(ours, box.left, box.top, box.right - box.left, box.bottom - box.top, 0, 0, raw.width, raw.height);
  const second = /** @type {CanvasRenderingContext2D} */ (into.getContext("2d", { willReadFrequently: true }));
  second.drawImage(theirs, 0, 0);
  const a = first.getImageData(0, 0, raw.width, raw.height);
  const b = second.getImageData(0, 0, raw.width, raw.height);
  const most = difference(a.data, b.data);
  second.putImageData(b, 0, 0);
  return most;
}

/**
 * What `b` becomes: light where the two differ, four times as bright as they are apart, and `a` faintly behind it.
 * @param {Uint8ClampedArray} a @param {Uint8ClampedArray} b  red, green, blue, alpha @returns {number} the largest difference of a channel
 */
export function difference(a, b) {
  let most = 0;
  for (let at = 0; at < a.length; at += 4) {
    const apart = Math.max(Math.abs(a[at] - b[at]), Math.abs(a[at + 1] - b[at + 1]), Math.abs(a[at + 2] - b[at + 2]));
    most = Math.max(most, apart);
    const faint = (a[at] + a[at + 1] + a[at + 2]) / 3 / 6;
    b[at] = faint + apart * 4;
    b[at + 1] = faint + apart * 2;
    b[at + 2] = faint + apart;
    b[at + 3] = 255;
  }
  return most;
}

/** The part of the finished picture that the model worked on. @param {Job} job @param {Picture} output */
async function worked({ request }, output) {
  const all = whole(output.width, output.height);
  if (request.area !== "masked") return all;
  const extend = { ...NO_SIDES, ...request.extend };
  const picture = { width: output.width - extend.left - extend.right, height: output.height - extend.top - extend.bottom };
  const [blur, padding] = [Number(request.mask_blur), Number(request.padding)];
  const mask = request.mask ? await greysOf(request.mask) : null;
  const masked = mask && (await inPieces(maskedBox(mask, whole(mask.width, mask.height), blur, Boolean(request.invert_mask))));
  return region({ picture, masked, extend, blur, padding, size: request }) ?? all;
}
