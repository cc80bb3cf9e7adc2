/** Pictures are dragged by mouse or pen and dropped on what has a `data-board`. Fingers scroll; for them there is the Board button. */

import { byId, el } from "../dom.js";
import { number } from "../format.js";

const FAR = 6; // pixels from where a press becomes a drag
const grid = byId("grid");

/**
 * @param {(id: string) => string[]} meant  the pictures that come along with the one that is dragged
 * @param {(ids: string[], board: string) => void} drop
 */
export function startDragging(meant, drop) {
  grid.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    const cell = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".cell"));
    if (!cell?.dataset.id || event.button !== 0 || event.pointerType === "touch") return;
    new Drag(event, cell, meant(cell.dataset.id), drop);
  });
}

class Drag {
  /** @type {HTMLElement | null} */ #ghost = null;
  /** @type {HTMLElement | null} */ #target = null;
  #over = new AbortController();

  /** @param {PointerEvent} event @param {HTMLElement} cell @param {string[]} ids @param {(ids: string[], board: string) => void} drop */
  constructor(event, cell, ids, drop) {
    this.from = event;
    this.cell = cell;
    this.ids = ids;
    this.drop = drop;
    const { signal } = this.#over;
    window.addEventListener("pointermove", (each) => this.#move(each), { signal });
    window.addEventListener("pointerup", () => this.#end(true), { signal });
    window.addEventListener("pointercancel", () => this.#end(false), { signal });
    window.addEventListener("blur", () => this.#end(false), { signal });
    window.addEventListener("keydown", (key) => this.#onKey(key), { signal, capture: true });
  }

  /** @param {PointerEvent} event */
  #move({ clientX, clientY }) {
    if (!this.#ghost && Math.hypot(clientX - this.from.clientX, clientY - this.from.clientY) < FAR) return;
    const ghost = (this.#ghost ??= this.#begin());
    ghost.style.transform = `translate(${clientX + 10}px, ${clientY + 10}px)`;
    const target = /** @type {HTMLElement | null} */ (document.elementFromPoint(clientX, clientY)?.closest("[data-board]") ?? null);
    if (target === this.#target) return;
    this.#target?.classList.remove("target");
    target?.classList.add("target");
    this.#target = target;
  }

  #begin() {
    const image = el("img", { src: this.cell.querySelector("img")?.src, alt: "" });
    const ghost = el("div", { class: "ghost", "aria-hidden": "true" }, image);
    if (this.ids.length > 1) ghost.append(el("b", { class: "badge", text: number(this.ids.length) }));
    document.body.append(ghost);
    document.body.classList.add("dragging");
    return ghost;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key !== "Escape" || !this.#ghost) return;
    event.preventDefault();
    event.stopPropagation();
    this.#end(false);
  }

  /** @param {boolean} dropped */
  #end(dropped) {
    this.#over.abort();
    if (!this.#ghost) return; // it was a click
    this.#ghost.remove();
    document.body.classList.remove("dragging");
    this.#target?.classList.remove("target");
    swallowClick();
    const board = this.#target?.dataset.board;
    if (dropped && board !== undefined) this.drop(this.ids, board);
  }
}

/** What follows the end of a drag is no click. */
function swallowClick() {
  const swallow = (/** @type {Event} */ event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  window.addEventListener("click", swallow, { capture: true, once: true });
  window.setTimeout(() => window.removeEventListener("click", swallow, { capture: true }), 0);
}
