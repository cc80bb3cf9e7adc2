/**
 * One layer at its picture's own pixels: a mask (a byte each: 0 keeps, 255 repaints, greys partly) or colours (four bytes
 * each, red first, the last one how opaque). Knows nothing of the page.
 *
 * A plane is seen in tiles: undo keeps those that a stroke changed, and each remembers where in it something is painted.
 */

import { shared, union, whole } from "./geometry.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {Uint8Array | Uint32Array} Words  one for each pixel, row by row; 0 = nothing painted */

export const TILE = 64; // pixels a side

export class Plane {
  /** @type {Map<number, Box | null>} */ #painted = new Map(); // by tile, where that is known

  /** @param {number} width @param {number} height pixels @param {Words} words */
  constructor(width, height, words) {
    this.width = width;
    this.height = height;
    this.words = words;
    this.across = Math.ceil(width / TILE);
    this.tiles = this.across * Math.ceil(height / TILE);
  }

  get whole() {
    return whole(this.width, this.height);
  }

  /** Numbers of the tiles that a box touches. @param {Box} box */
  tilesIn(box) {
    const inside = shared(box, this.whole);
    /** @type {number[]} */ const found = [];
    if (!inside) return found;
    for (let row = Math.floor(inside.top / TILE); row * TILE < inside.bottom; row += 1) {
      for (let column = Math.floor(inside.left / TILE); column * TILE < inside.right; column += 1) {
        found.push(row * this.across + column);
      }
    }
    return found;
  }

  /** @param {number} tile @returns {Box} */
  boxOf(tile) {
    const left = (tile % this.across) * TILE;
    const top = Math.floor(tile / this.across) * TILE;
    return { left, top, right: Math.min(left + TILE, this.width), bottom: Math.min(top + TILE, this.height) };
  }

  /** A copy of a box's words, row by row. @param {Box} box @returns {Words} */
  cut({ left, top, right, bottom }) {
    const across = right - left;
    const part = new /** @type {Uint8ArrayConstructor} */ (this.words.constructor)(across * (bottom - top));
    for (let y = top, at = 0; y < bottom; y += 1, at += across) {
      const start = y * this.width + left;
      if (across > TILE) part.set(this.words.subarray(start, start + across), at);
      else for (let x = 0; x < across; x += 1) part[at + x] = this.words[start + x]; // quicker than a view of so little
    }
    return part;
  }

  /** Whether a box's words are these. @param {Words} part @param {Box} box */
  holds(part, { left, top, right, bottom }) {
    const across = right - left;
    for (let y = top, at = 0; y < bottom; y += 1, at += across) {
      const start = y * this.width + left;
      for (let x = 0; x < across; x += 1) if (part[at + x] !== this.words[start + x]) return false;
    }
    return true;
  }

  /** The other way round. @param {Words} part @param {Box} box */
  paste(part, { left, top, right, bottom }) {
    const across = right - left;
    for (let y = top; y < bottom; y += 1) {
      this.words.set(part.subarray((y - top) * across, (y - top + 1) * across), y * this.width + left);
    }
  }

  /** A tile's words are others now. @param {number} tile */
  changed(tile) {
    this.#painted.delete(tile);
  }

  /** Where anything is painted, or null. Looks at changed tiles only. @returns {Box | null} */
  get bounds() {
    /** @type {Box | null} */ let all = null;
    for (let tile = 0; tile < this.tiles; tile += 1) all = union(all, this.#paintedIn(tile));
    return all;
  }

  get empty() {
    for (let tile = 0; tile < this.tiles; tile += 1) if (this.#paintedIn(tile)) return false;
    return true;
  }

  /** @param {number} tile @returns {Box | null} */
  #paintedIn(tile) {
    let found = this.#painted.get(tile);
    if (found === undefined) this.#painted.set(tile, (found = this.#look(tile)));
    return found;
  }

  /** @param {number} tile @returns {Box | null} */
  #look(tile) {
    const { words, width } = this;
    const { left, top, right, bottom } = this.boxOf(tile);
    const found = { left: right, top: bottom, right: left, bottom: top };
    for (let y = top; y < bottom; y += 1) {
      const row = y * width;
      let first = left;
      while (first < right && !words[row + first]) first += 1;
      if (first === right) continue;
      let last = right - 1;
      while (!words[row + last]) last -= 1;
      found.left = Math.min(found.left, first);
      found.right = Math.max(found.right, last + 1);
      found.top = Math.min(found.top, y);
      found.bottom = y + 1;
    }
    return found.bottom > found.top ? found : null;
  }
}

/** @param {number} width @param {number} height @param {Uint8Array} [pixels] */
export const maskPlane = (width, height, pixels) => new Plane(width, height, pixels ?? new Uint8Array(width * height));

/** @param {number} width @param {number} height */
export const colourPlane = (width, height) => new Plane(width, height, new Uint32Array(width * height));
