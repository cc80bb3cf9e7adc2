/** The rows by keyboard alone, and by dragging one's own waiting jobs to other places. */

import { isOver } from "../jobs.js";
import { placeAt } from "./order.js";
import { say } from "./say.js";

/** @typedef {import("../types.js").Job} Job */

/** @param {EventTarget | null} target @returns {HTMLElement | null} */
const rowAt = (target) => /** @type {Element | null} */ (target)?.closest?.(".row") ?? null;

/**
 * @param {HTMLElement} place  what holds all lists
 * @param {import("./rows.js").Rows} rows @param {import("./actions.js").Actions} actions @param {() => Job[]} queue  in its order
 */
export function startKeys(place, rows, actions, queue) {
  place.addEventListener("focusin", (event) => {
    const node = rowAt(event.target);
    if (node) rows.current = node.dataset.jobId ?? "";
  });
  place.addEventListener("keydown", (event) => {
    const node = rowAt(event.target);
    if (!node || event.ctrlKey || event.metaKey || event.isComposing) return;
    if (event.altKey ? reorder(event.key, node, rows) : walk(event.key, node, rows) || act(event.key, node, rows)) event.preventDefault();
  });
  startDragging(place, rows, actions, queue);
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

/** @param {HTMLElement} place @param {import("./rows.js").Rows} rows @param {import("./actions.js").Actions} actions @param {() => Job[]} queue */
function startDragging(place, rows, actions, queue) {
  /** @type {Job | null} */ let dragged = null;
  /** @type {HTMLElement | null} */ let over = null;
  const mark = (/** @type {HTMLElement | null} */ node, /** @type {boolean} */ after) => {
    over?.classList.remove("drop-before", "drop-after");
    over = node;
    node?.classList.add(after ? "drop-after" : "drop-before");
  };
  const aim = (/** @type {DragEvent} */ event) => {
    const node = rowAt(event.target);
    const target = rows.get(node?.dataset.jobId ?? "")?.job;
    if (!dragged || !node || !target) return null;
    const { top, height } = node.getBoundingClientRect();
    const after = event.clientY > top + height / 2;
    return { node, after, to: placeAt(queue(), dragged, target, after) };
  };
  place.addEventListener("dragstart", (event) => {
    const grip = /** @type {Element} */ (event.target).closest?.(".grip"); // a picture can be dragged elsewhere, as ever
    const node = rowAt(grip ?? null);
    dragged = rows.get(node?.dataset.jobId ?? "")?.job ?? null;
    if (!dragged || !node || !event.dataTransfer) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setDragImage(node, 20, 20);
    node.classList.add("dragged");
  });
  place.addEventListener("dragover", (event) => {
    const aimed = aim(event);
    mark(aimed && aimed.to !== null ? aimed.node : null, aimed?.after ?? false);
    if (aimed && aimed.to !== null) event.preventDefault(); // it may be let fall here
  });
  place.addEventListener("drop", (event) => {
    const to = aim(event)?.to ?? null;
    if (dragged && to !== null) actions.move(dragged, to);
    event.preventDefault();
  });
  place.addEventListener("dragend", () => {
    mark(null, false);
    for (const node of rows.all) node.classList.remove("dragged");
    dragged = null;
  });
}
