/**
 * A plane on the page: small canvases side by side, each of the picture's own pixels, made where something is drawn first.
 * For every frame in which a pixel of a canvas changes the browser copies all of it: one of 2048 x 2048 took up to 40 ms.
 * Only boxes that changed are drawn, and not more at a time than a frame has room for.
 */

import { shared, union } from "./geometry.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./plane.js").Plane} Plane */
/** @typedef {import("./plane.js").Words} Words */

/** @typedef {(words: Words, into: Uint32Array, at: number) => void} Shade  what is shown of words: four bytes each, red first */

const PANE = 512; // pixels a side
const MOST = 700_000; // pixels drawn in one go

const scratch = new ImageData(PANE, PANE); // of the pane that is being drawn
const shown = new Uint32Array(scratch.data.buffer);

export class Screen {
  /** @type {Map<number, CanvasRenderingContext2D>} */ #panes = new Map(); // by number, row by row
  /** @type {Map<number, Box>} */ #dirty = new Map(); // by the same

  /** @param {HTMLElement} node @param {Shade} shade */
  constructor(node, shade) {
    this.node = node;
    this.shade = shade;
  }

  /** Show this plane from now on, or none. @param {Plane | null} plane */
  show(plane) {
    this.plane = plane;
    this.#panes.clear();
    this.#dirty.clear();
    this.node.replaceChildren();
    if (plane) this.node.style.gridTemplate = `${tracks(plane.height)} / ${tracks(plane.width)}`;
    this.changed(plane?.bounds ?? null);
  }

  /** @param {Box | null} box that has changed */
  changed(box) {
    const inside = this.plane && box && shared(box, this.plane.whole);
    if (!inside) return;
    const across = this.#across;
    for (let row = Math.floor(inside.top / PANE); row * PANE < inside.bottom; row += 1) {
      for (let column = Math.floor(inside.left / PANE); column * PANE < inside.right; column += 1) {
        const pane = row * across + column;
        const part = shared(inside, this.#boxOf(pane));
        const all = union(this.#dirty.get(pane) ?? null, part);
        if (all) this.#dirty.set(pane, all);
      }
    }
  }

  /** Draw what has changed, or some of it; whether something is left. */
  draw() {
    let room = MOST;
    for (const [pane, box] of this.#dirty) {
      if (room <= 0) break;
      this.#dirty.delete(pane);
      this.#draw(pane, box);
      room -= (box.right - box.left) * (box.bottom - box.top);
    }
    return this.#dirty.size > 0;
  }

  get #across() {
    return Math.ceil((this.plane?.width ?? 1) / PANE);
  }

  /** @param {number} pane @returns {Box} */
  #boxOf(pane) {
    const [left, top] = [(pane % this.#across) * PANE, Math.floor(pane / this.#across) * PANE];
    return { left, top, right: left + PANE, bottom: top + PANE };
  }

  /** @param {number} pane @param {Box} box of the plane, in that pane */
  #draw(pane, { left, top, right, bottom }) {
    const { plane } = this;
    if (!plane) return;
    const corner = this.#boxOf(pane);
    const [x, y] = [left - corner.left, top - corner.top];
    for (let row = top; row < bottom; row += 1) {
      const start = row * plane.width;
      this.shade(plane.words.subarray(start + left, start + right), shown, (row - corner.top) * PANE + x);
    }
    this.#contextOf(pane).putImageData(scratch, 0, 0, x, y, right - left, bottom - top);
  }

  /** @param {number} pane */
  #contextOf(pane) {
    let context = this.#panes.get(pane);
    if (context) return context;
    const canvas = document.createElement("canvas");
    const { left, top } = this.#boxOf(pane);
    canvas.width = Math.min(PANE, (this.plane?.width ?? 0) - left);
    canvas.height = Math.min(PANE, (this.plane?.height ?? 0) - top);
    canvas.style.gridArea = `${top / PANE + 1} / ${left / PANE + 1}`;
    this.node.append(canvas);
    context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.#panes.set(pane, context);
    return context;
  }
}

/** A grid's rows or columns: neighbours share an edge, whatever the zoom. @param {number} length pixels */
function tracks(length) {
  const panes = Array.from({ length: Math.ceil(length / PANE) }, (_, at) => Math.min(PANE, length - at * PANE));
  return panes.map((pixels) => `minmax(0, ${pixels}fr)`).join(" ");
}

/** Do something before the page is drawn next, however often it is asked for. @param {() => void} act */
export function beforeNextFrame(act) {
  let asked = 0;
  return () => {
    if (asked) return;
    asked = requestAnimationFrame(() => {
      asked = 0;
      act();
    });
  };
}
