/** One's own waiting jobs are dragged to other places by their dots, with a mouse, a pen or a finger. */

import { placeAt } from "./order.js";

/**
 * @typedef {import("../types.js").Job} Job
 * @typedef {object} Parts
 * @property {import("./rows.js").Rows} rows
 * @property {import("./actions.js").Actions} actions
 * @property {() => Job[]} queue  in its order
 */

const EDGE = 90; // pixels from the window's top and bottom, within which the page scrolls along
const PACE = 0.12; // of the way into the edge, a frame

/** @param {HTMLElement} place  what holds all lists @param {Parts} parts */
export function startDragging(place, parts) {
  place.addEventListener("pointerdown", (event) => {
    const grip = /** @type {Element} */ (event.target).closest?.(".grip");
    const node = /** @type {HTMLElement | null} */ (grip?.closest(".row") ?? null);
    const job = parts.rows.get(node?.dataset.jobId ?? "")?.job;
    if (!node || !job || event.button !== 0 || !event.isPrimary) return;
    event.preventDefault(); // no text is selected on the way
    new Drag(event, node, job, parts);
  });
}

/** From the press to where it is let go. The row goes along, and a line shows where it would stand. */
class Drag {
  #over = new AbortController();
  #scrolling = 0;
  /** @type {{node: HTMLElement, after: boolean, to: number} | null} */ #aimed = null;

  /** @param {PointerEvent} event @param {HTMLElement} node @param {Job} job @param {Parts} parts */
  constructor(event, node, job, parts) {
    this.node = node;
    this.job = job;
    this.parts = parts;
    this.y = event.clientY;
    this.from = event.clientY + window.scrollY;
    const { signal } = this.#over;
    window.addEventListener("pointermove", (each) => this.#move(each.clientY), { signal });
    window.addEventListener("pointerup", () => this.#end(true), { signal });
    window.addEventListener("pointercancel", () => this.#end(false), { signal });
    window.addEventListener("blur", () => this.#end(false), { signal });
    window.addEventListener("keydown", (key) => this.#onKey(key), { signal, capture: true });
    node.classList.add("dragged");
    this.#scrolling = window.requestAnimationFrame(() => this.#scroll());
  }

  /** @param {number} y  pixels from the window's top */
  #move(y) {
    this.y = y;
    this.node.style.translate = `0 ${y + window.scrollY - this.from}px`;
    this.#mark(this.#aim(y));
  }

  /** The row that the pointer is over, or nearest to, and the place there; null where it may not go. @param {number} y */
  #aim(y) {
    const others = this.parts.rows.all.filter((node) => node !== this.node);
    const node = others.find((each) => each.getBoundingClientRect().bottom > y) ?? others.at(-1);
    const target = this.parts.rows.get(node?.dataset.jobId ?? "")?.job;
    if (!node || !target) return null;
    const { top, height } = node.getBoundingClientRect();
    const after = y > top + height / 2;
    const to = placeAt(this.parts.queue(), this.job, target, after);
    return to === null ? null : { node, after, to };
  }

  /** @param {{node: HTMLElement, after: boolean, to: number} | null} aimed */
  #mark(aimed) {
    this.#aimed?.node.classList.remove("drop-before", "drop-after");
    aimed?.node.classList.add(aimed.after ? "drop-after" : "drop-before");
    this.#aimed = aimed;
  }

  #scroll() {
    const into = Math.min(0, this.y - EDGE) + Math.max(0, this.y - window.innerHeight + EDGE);
    if (into) {
      window.scrollBy({ top: into * PACE, behavior: "instant" });
      this.#move(this.y);
    }
    this.#scrolling = window.requestAnimationFrame(() => this.#scroll());
  }

  /** @param {KeyboardEvent} key */
  #onKey(key) {
    if (key.key !== "Escape") return;
    key.preventDefault();
    key.stopPropagation();
    this.#end(false);
  }

  /** @param {boolean} dropped */
  #end(dropped) {
    this.#over.abort();
    window.cancelAnimationFrame(this.#scrolling);
    const to = dropped ? this.#aimed?.to : undefined;
    this.#mark(null);
    this.node.classList.remove("dragged");
    this.node.style.translate = "";
    if (to !== undefined) this.parts.actions.move(this.job, to);
  }
}
