/** The rows by keyboard alone. */

import { isOver } from "../jobs.js";
import { say } from "./say.js";

/** @param {EventTarget | null} target @returns {HTMLElement | null} */
const rowAt = (target) => /** @type {Element | null} */ (target)?.closest?.(".row") ?? null;

/** @param {HTMLElement} place  what holds all lists @param {import("./rows.js").Rows} rows */
export function startKeys(place, rows) {
  place.addEventListener("focusin", (event) => {
    const node = rowAt(event.target);
    if (node) rows.current = node.dataset.jobId ?? "";
  });
  place.addEventListener("keydown", (event) => {
    const node = rowAt(event.target);
    if (!node || event.target instanceof HTMLSelectElement || event.ctrlKey || event.metaKey || event.isComposing) return;
    if (event.altKey ? reorder(event.key, node, rows) : walk(event.key, node, rows) || act(event.key, node, rows)) event.preventDefault();
  });
}

/** @param {string} key @param {HTMLElement} node @param {import("./rows.js").Rows} rows */
function walk(key, node, rows) {
  const { all } = rows;
  const at = all.indexOf(node);
  const ways = /** @type {Record<string, number>} */ ({ ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 });
  if (!(key in ways)) return false;
  rows.goTo(all[Math.min(all.length - 1, Math.max(0, ways[key]))]);
  return true;
}

/** @param {string} key @param {HTMLElement} node @param {import("./rows.js").Rows} rows */
function reorder(key, node, rows) {
  const row = rows.get(node.dataset.jobId ?? "");
  if (!row || (key !== "ArrowUp" && key !== "ArrowDown")) return false;
  (key === "ArrowUp" ? row.earlier : row.later).click();
  return true;
}

/** A key stands for the button of its row; what a button would ask twice for is asked for twice. @param {string} key @param {HTMLElement} node @param {import("./rows.js").Rows} rows */
function act(key, node, rows) {
  const row = rows.get(node.dataset.jobId ?? "");
  if (!row) return false;
  const over = isOver(row.job);
  const button = /** @type {Record<string, HTMLElement>} */ ({ p: row.hold, r: row.again, delete: over ? row.remove : row.cancel })[key.toLowerCase()];
  if (button && !button.hidden) {
    button.click();
    if (button === row.remove) say(row.remove.title); // that it wants to be pressed once more
  } else if (key === "Enter" && document.activeElement === node && row.thumb.href) row.thumb.click();
  else return false;
  return true;
}
