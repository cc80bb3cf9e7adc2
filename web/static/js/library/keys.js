/** Choosing and opening in the grid: by pointer, and by keyboard alone. */

import { byId } from "../dom.js";

const grid = byId("grid");

/**
 * @typedef {object} Doing
 * @property {(id: string) => void} open
 * @property {(ids: string[]) => void} remove
 * @property {(ids: string[]) => void} favour
 * @property {() => void} compare  the two that are chosen
 */

/** @param {import("./grid.js").Grid} shown @param {import("./selection.js").Selection} selection @param {Doing} doing */
export function startKeys(shown, selection, doing) {
  listenToPointer(shown, selection, doing);
  grid.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.altKey) return;
    if (move(event, shown, selection) || act(event, shown, selection, doing)) event.preventDefault();
  });
}

/** @param {import("./grid.js").Grid} shown @param {import("./selection.js").Selection} selection @param {Doing} doing */
function listenToPointer(shown, selection, doing) {
  grid.addEventListener("mousedown", (/** @type {MouseEvent} */ event) => {
    if (event.button === 0) event.preventDefault(); // neither text is marked, nor does a cell take the focus from the grid
    if (event.button === 0) grid.focus({ preventScroll: true });
  });
  grid.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const target = /** @type {Element} */ (event.target);
    const id = /** @type {HTMLElement | null} */ (target.closest(".cell"))?.dataset.id;
    if (!id) return;
    event.preventDefault();
    shown.active = id;
    if (event.shiftKey) selection.extend(id, shown.order);
    else if (event.ctrlKey || event.metaKey || target.closest(".tick") || !selection.empty) selection.toggle(id);
    else {
      selection.anchor(id);
      doing.open(id);
    }
  });
}

/** @param {KeyboardEvent} event @param {import("./grid.js").Grid} shown @param {import("./selection.js").Selection} selection */
function move(event, shown, selection) {
  const ways = /** @type {Record<string, [number, number]>} */ ({
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
    PageUp: [0, -shown.page],
    PageDown: [0, shown.page],
    Home: [-Infinity, 0],
    End: [Infinity, 0],
  });
  const way = ways[event.key];
  if (!way || event.ctrlKey || event.metaKey) return false;
  const before = shown.active;
  const id = shown.step(...way);
  if (!id) return false;
  if (event.shiftKey) {
    if (before) selection.anchor(before);
    selection.extend(id, shown.order);
  }
  shown.goTo(id);
  return true;
}

/** @param {KeyboardEvent} event @param {import("./grid.js").Grid} shown @param {import("./selection.js").Selection} selection @param {Doing} doing */
function act(event, shown, selection, doing) {
  const { active } = shown;
  const meant = () => (selection.empty ? (active ? [active] : []) : [...selection.ids]);
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key !== "a") return false;
    selection.add(shown.order);
  } else if (key === "escape" && !selection.empty) selection.clear();
  else if (key === " " && active) selection.toggle(active);
  else if (key === "enter" && active) doing.open(active);
  else if (key === "delete" && meant().length) doing.remove(meant());
  else if (key === "f" && meant().length) doing.favour(meant());
  else if (key === "c" && selection.ids.size === 2) doing.compare();
  else return false;
  return true;
}
