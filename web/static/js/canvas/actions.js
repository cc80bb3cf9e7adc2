/** The buttons around the canvas: undo and redo, what is done to the whole mask, clearing. */

import { byId } from "../dom.js";
import { t } from "../i18n.js";
import { busy } from "./brushwork.js";
import { blurred, blurReach, grown, inverted, shrunk } from "./filters.js";
import { shared, widened } from "./geometry.js";
import { inPieces } from "./pieces.js";
import { tools } from "./tools.js";
import { work } from "./work.js";

/** @typedef {import("./filters.js").Greys} Greys */

let filtering = false;

/** How far grow, shrink and feather go, pixels. */
const by = () => Math.min(64, Math.max(1, Math.round(Number(byId("mask-by").value) || 8)));

/**
 * A filter over the painted part of the mask and what lies around it, in pieces; as one step.
 * @param {(greys: Greys, by: number) => Generator<void, Uint8Array, void>} filter @param {(by: number) => number} reach pixels
 */
async function change(filter, reach) {
  const { mask, version } = work;
  const amount = by();
  const box = mask.bounds && shared(widened(mask.bounds, reach(amount)), mask.whole);
  if (filtering || busy() || !box) return;
  filtering = true;
  byId("editor").setAttribute("aria-busy", "true");
  const pixels = /** @type {Uint8Array} */ (mask.cut(box));
  const result = await inPieces(filter({ pixels, width: box.right - box.left, height: box.bottom - box.top }, amount));
  filtering = false;
  byId("editor").removeAttribute("aria-busy");
  if (result && version === work.version && !busy()) work.replace(mask, box, () => result); // else somebody has painted on
}

/** @param {import("./plane.js").Plane | null} plane */
const clear = (plane) => plane && work.replace(plane, plane.bounds, (words) => words.fill(0));

/** @param {string} id @param {() => void} act */
function on(id, act) {
  byId(id).addEventListener("click", () => {
    if (!busy()) act();
  });
}

/** What the buttons can do now. */
export function showActions() {
  const { empty } = work.mask;
  byId("undo").disabled = !work.history.canUndo;
  byId("redo").disabled = !work.history.canRedo;
  byId("clear-mask").disabled = empty;
  byId("clear-sketch").disabled = !work.sketched;
  for (const id of ["grow-mask", "shrink-mask", "feather-mask"]) byId(id).disabled = empty || tools.layer !== "mask";
  const words = hint(empty);
  if (byId("mask-hint").textContent !== words) byId("mask-hint").textContent = words;
}

/** @param {boolean} empty */
function hint(empty) {
  if (tools.layer === "colour") return t("What is sketched becomes part of the starting picture.");
  if (empty) return t("Paint over what should change. Without paint the whole picture is redrawn.");
  return t("What is painted is redrawn, the rest stays as it is.");
}

export function startActions() {
  on("undo", () => work.move(work.history.undo()));
  on("redo", () => work.move(work.history.redo()));
  on("clear-mask", () => clear(work.mask));
  on("clear-sketch", () => clear(work.sketch));
  on("invert-mask", () => work.replace(work.mask, work.mask.whole, (words) => inverted(/** @type {Uint8Array} */ (words))));
  on("grow-mask", () => change(grown, (amount) => amount));
  on("shrink-mask", () => change(shrunk, (amount) => amount));
  on("feather-mask", () => change(blurred, (amount) => blurReach(amount) + 1));
}
