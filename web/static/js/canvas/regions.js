/** Shows what the next job will redraw, while the form says "around the mask", and the border it adds. */

import { byId } from "../dom.js";
import { extension } from "../form.js";
import { askedSize } from "../size.js";
import { easel } from "./easel.js";
import { markBorder, markRegion } from "./marks.js";
import { inPieces } from "./pieces.js";
import { maskedBox, NO_SIDES, region } from "./region.js";
import { work } from "./work.js";

const REST = 120; // ms without a change
const ASKED = ["area", "padding", "mask_blur", "invert_mask", "width", "height", "model", "extend.left", "extend.right", "extend.top", "extend.bottom"];

let timer = 0;
let asking = new AbortController();
let sides = ""; // the border that is shown

/** Soon: painting goes first. */
export function showRegion() {
  asking.abort();
  window.clearTimeout(timer);
  showBorder();
  timer = window.setTimeout(() => show((asking = new AbortController()).signal), REST);
}

function showBorder() {
  const { picture } = work;
  const extend = extension();
  if (picture) markBorder(picture, extend && { ...NO_SIDES, ...extend });
  if (sides === JSON.stringify([extend, picture?.id])) return;
  sides = JSON.stringify([extend, picture?.id]);
  easel.refit();
}

/** @param {AbortSignal} signal */
async function show(signal) {
  const { picture, mask } = work;
  if (!picture) return;
  const extend = { ...NO_SIDES, ...extension() };
  const { bounds } = mask;
  const wanted = byId("area").value === "masked" && (bounds || extension());
  const blur = Number(byId("mask_blur").value);
  const greys = { pixels: /** @type {Uint8Array} */ (mask.words), width: mask.width, height: mask.height };
  const masked = wanted && bounds ? await inPieces(maskedBox(greys, bounds, blur, byId("invert_mask").checked), signal) : null;
  if (signal.aborted) return;
  const padding = Number(byId("padding").value);
  const box = wanted ? region({ picture, masked, extend, blur, padding, size: askedSize() }) : null;
  markRegion(picture, extend, box);
}

export function startRegions() {
  work.addEventListener("change", showRegion);
  byId("form").addEventListener("input", (/** @type {Event} */ event) => {
    if (ASKED.includes(/** @type {HTMLInputElement} */ (event.target).name)) showRegion();
  });
}
