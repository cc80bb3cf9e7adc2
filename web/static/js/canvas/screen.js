/**
 * A plane on the page: a canvas as large as the window that the picture is looked at through. The browser copies a visible
 * canvas for every frame, all of it: one of the picture's own size, 2048 x 2048, took 4 ms and at times 40.
 *
 * Behind it are panes, at the picture's own pixels and out of sight, made where something is painted first. What changed is
 * put into its panes, not more at a time than a frame has room for, and these are drawn into the window, scaled.
 */

import { shared, union } from "./geometry.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./plane.js").Plane} Plane */
/** @typedef {import("./plane.js").Words} Words */
/** @typedef {import("./view.js").Size} Size */
/** @typedef {import("./view.js").View} View */

/** @typedef {(words: Words, into: Uint32Array, at: number) => void} Shade  what is shown of words: four bytes each, red first */
/** @typedef {{box: Box, canvas: OffscreenCanvas, context: OffscreenCanvasRenderingContext2D}} Pane  box: in the plane */

const SIDE = 512; // pixels of a pane
const MOST = 700_000; // pixels put into panes in one go

const scratch = new ImageData(SIDE, SIDE); // of the pane that is written
const shown = new Uint32Array(scratch.data.buffer);

export class Screen {
  /** @type {Map<number, Pane>} */ #panes = new Map(); // by number, row by row
  /** @type {Map<number, Box>} */ #dirty = new Map(); // what of each is to be written
  /** @type {Box | null} */ #stale = null; // what is to be drawn in the window, pixels of the plane
  /** @type {View} */ #view = { zoom: 1, x: 0, y: 0 }; // in pixels of the canvas

  /** @param {HTMLCanvasElement} canvas @param {Shade} shade */
  constructor(canvas, shade) {
    this.canvas = canvas;
    this.shade = shade;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  }

  /** Show this plane from now on, or none. @param {Plane | null} plane */
  show(plane) {
    this.plane = plane;
    this.canvas.hidden = !plane;
    this.#panes.clear();
    this.#dirty.clear();
    this.#stale = plane && plane.whole;
    this.changed(plane?.bounds ?? null);
  }

  /** How the picture is looked at from now on. @param {View} view @param {Size} window CSS pixels */
  look(view, { width, height }) {
    const ratio = window.devicePixelRatio;
    const { canvas } = this;
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px`, transform: `translate(${-view.x}px, ${-view.y}px)` });
    this.#view = { zoom: view.zoom * ratio, x: view.x * ratio, y: view.y * ratio };
    this.context.imageSmoothingEnabled = view.zoom < 2; // as css has it for the picture
    this.#stale = this.plane ? this.plane.whole : null;
    this.context.clearRect(0, 0, across, down);
  }

  /** @param {Box | null} box that has changed */
  changed(box) {
    const inside = this.plane && box && shared(box, this.plane.whole);
    if (!inside) return;
    for (let row = Math.floor(inside.top / SIDE); row * SIDE < inside.bottom; row += 1) {
      for (let column = Math.floor(inside.left / SIDE); column * SIDE < inside.right; column += 1) {
        const number = row * this.#across + column;
        const all = union(this.#dirty.get(number) ?? null, shared(inside, this.#boxOf(number)));
        if (all) this.#dirty.set(number, all);
      }
    }
  }

  /** Draw what has changed, or some of it; whether something is left. */
  draw() {
    let room = MOST;
    for (const [number, box] of this.#dirty) {
      if (room <= 0) break;
      this.#dirty.delete(number);
      this.#write(number, box);
      this.#stale = union(this.#stale, box);
      room -= (box.right - box.left) * (box.bottom - box.top);
    }
    if (this.plane && this.#stale) this.#redraw(this.#stale);
    this.#stale = null;
    return this.#dirty.size > 0;
  }

  get #across() {
    return Math.ceil((this.plane?.width ?? 1) / SIDE);
  }

  /** @param {number} number @returns {Box} */
  #boxOf(number) {
    const { width, height } = this.plane ?? { width: 1, height: 1 };
    const [left, top] = [(number % this.#across) * SIDE, Math.floor(number / this.#across) * SIDE];
    return { left, top, right: Math.min(left + SIDE, width), bottom: Math.min(top + SIDE, height) };
  }

  /** @param {number} number @returns {Pane} */
  #paneOf(number) {
    let pane = this.#panes.get(number);
    if (pane) return pane;
    const box = this.#boxOf(number);
    const canvas = new OffscreenCanvas(box.right - box.left, box.bottom - box.top);
    pane = { box, canvas, context: /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d")) };
    this.#panes.set(number, pane);
    return pane;
  }

  /** @param {number} number @param {Box} part of the plane, in that pane */
  #write(number, { left, top, right, bottom }) {
    const { plane, shade } = this;
    if (!plane) return;
    const { box, context } = this.#paneOf(number);
    const [x, y] = [left - box.left, top - box.top];
    for (let row = top; row < bottom; row += 1) {
      const start = row * plane.width;
      shade(plane.words.subarray(start + left, start + right), shown, (row - box.top) * SIDE + x);
    }
    context.putImageData(scratch, 0, 0, x, y, right - left, bottom - top);
  }

  /** @param {Box} part of the plane, drawn in the window */
  #redraw(part) {
    const { context, canvas } = this;
    const { left, top, right, bottom } = this.#placeOf(part);
    const room = shared({ left: left - 2, top: top - 2, right: right + 2, bottom: bottom + 2 }, { left: 0, top: 0, right: canvas.width, bottom: canvas.height });
    if (!room) return;
    context.clearRect(room.left, room.top, room.right - room.left, room.bottom - room.top);
    for (const pane of this.#panes.values()) {
      const place = this.#placeOf(pane.box);
      const into = shared(place, room);
      if (!into) continue;
      const [across, down] = [pane.canvas.width / (place.right - place.left), pane.canvas.height / (place.bottom - place.top)];
      const [width, height] = [into.right - into.left, into.bottom - into.top];
      const [x, y] = [(into.left - place.left) * across, (into.top - place.top) * down];
      context.drawImage(pane.canvas, x, y, width * across, height * down, into.left, into.top, width, height);
    }
  }

  /** Where a box of the plane is on the canvas, to whole pixels: neighbours share an edge, at any zoom. @param {Box} box @returns {Box} */
  #placeOf({ left, top, right, bottom }) {
    const { zoom, x, y } = this.#view;
    const [across, down] = [(/** @type {number} */ at) => Math.round(at * zoom + x), (/** @type {number} */ at) => Math.round(at * zoom + y)];
    return { left: across(left), top: down(top), right: across(right), bottom: down(bottom) };
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
