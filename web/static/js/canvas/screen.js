/** A plane on the page: a canvas of the picture's own pixels. Only boxes that changed are drawn, a piece at a time. */

import { shared, union } from "./geometry.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./plane.js").Plane} Plane */

const PIECE = 700_000; // pixels drawn in one go

export class Screen {
  /** @type {Box | null} */ #dirty = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(word: number) => number} shade  what is shown of a word: four bytes, red first
   */
  constructor(canvas, shade) {
    this.canvas = canvas;
    this.shade = shade;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  }

  /** Show this plane from now on, or none. @param {Plane | null} plane */
  show(plane) {
    this.plane = plane;
    this.canvas.width = plane?.width ?? 1; // which clears it
    this.canvas.height = plane?.height ?? 1;
    this.#dirty = plane?.bounds ?? null;
  }

  /** @param {Box | null} box that has changed */
  changed(box) {
    this.#dirty = union(this.#dirty, box);
  }

  /** Draw what has changed, or a part of it; whether something is left. */
  draw() {
    const { plane } = this;
    const box = plane && this.#dirty && shared(this.#dirty, plane.whole);
    this.#dirty = null;
    if (!box) return false;
    const across = box.right - box.left;
    const bottom = Math.min(box.bottom, box.top + Math.max(1, Math.floor(PIECE / across)));
    const words = plane.cut({ ...box, bottom });
    const { shade } = this;
    const bytes = new Uint32Array(words.length);
    for (let i = 0; i < words.length; i += 1) bytes[i] = shade(words[i]);
    this.context.putImageData(new ImageData(new Uint8ClampedArray(bytes.buffer), across), box.left, box.top);
    if (bottom < box.bottom) this.#dirty = { ...box, top: bottom };
    return this.#dirty !== null;
  }
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
