/**
 * One stroke or one fill on a plane, from its beginning to its end: what one undo takes back.
 *
 * Within a stroke paint does not add up: each pixel knows how far it was covered, and only more cover changes it. So a brush
 * of half opacity leaves half, however often it passes.
 */

import { limits, raise } from "./cover.js";
import { around, shared, spansOf, strokeBox, strokeSpan } from "./geometry.js";
import { TILE } from "./plane.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./geometry.js").Dab} Dab */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./geometry.js").Span} Span */
/** @typedef {import("./history.js").History} History */
/** @typedef {import("./plane.js").Plane} Plane */
/** @typedef {import("./plane.js").Words} Words */

const SMALLEST = Math.SQRT1_2; // pixels of radius: a brush of one pixel still covers the pixel it stands in

/** @typedef {object} Brush
 * @property {number} size       diameter, pixels
 * @property {number} hardness   0 to 1: the share of the radius that is covered in full
 * @property {import("./inks.js").Ink} ink
 */

const raised = new Uint16Array(TILE); // of the row that is being painted

export class Stroke {
  /** @type {Map<number, Uint8Array>} */ #cover = new Map(); // by tile: 0 to 255
  /** @type {Dab | null} */ #last = null;

  /** @param {History} history @param {Plane} plane @param {Brush} brush */
  constructor(history, plane, brush) {
    this.history = history;
    this.plane = plane;
    this.brush = brush;
    this.limits = limits(brush.hardness);
    history.begin();
  }

  /**
   * On to a point; the box that may have changed, or null. `pressure`: 0 to 1, of the brush's size.
   * @param {Point} point @param {number} [pressure]
   */
  to({ x, y }, pressure = 1) {
    const dab = { x, y, radius: Math.max((this.brush.size / 2) * pressure, SMALLEST) };
    const from = this.#last ?? dab;
    this.#last = dab;
    const box = shared(strokeBox(from, dab), this.plane.whole);
    if (!box) return null;
    const way = { from, to: dab, hardness: this.brush.hardness, limits: this.limits };
    const spans = Array.from({ length: box.bottom - box.top }, (_, row) => strokeSpan(from, dab, box.top + row));
    this.#overTiles(box, (tile, part) => this.#paint(tile, part, spans.slice(part.top - box.top), way));
    return box;
  }

  /** All pixels whose centres lie in a polygon; the box that may have changed, or null. @param {Point[]} corners */
  fill(corners) {
    const box = shared(around(corners), this.plane.whole);
    if (!box) return null;
    const spans = Array.from({ length: box.bottom - box.top }, (_, row) => spansOf(corners, box.top + row));
    this.#overTiles(box, (tile, part) => {
      for (let y = part.top; y < part.bottom; y += 1) {
        for (const { from, to } of spans[y - box.top]) this.#ink(tile, y, Math.max(from, part.left), Math.min(to, part.right));
      }
    });
    return box;
  }

  end() {
    this.history.commit();
  }

  /** @param {Box} box within the plane @param {(tile: number, part: Box) => void} act */
  #overTiles(box, act) {
    this.history.touch(this.plane, box);
    for (const tile of this.plane.tilesIn(box)) {
      const part = shared(box, this.plane.boxOf(tile));
      if (part) act(tile, part);
    }
  }

  /** @param {number} tile @param {Box} part of it @param {Span[]} spans of the part's rows @param {Parameters<typeof raise>[0]} way */
  #paint(tile, part, spans, way) {
    const { plane, brush } = this;
    const { left, top, right } = plane.boxOf(tile);
    const before = this.history.before(plane, tile);
    let cover = this.#cover.get(tile);
    if (!cover) this.#cover.set(tile, (cover = new Uint8Array(TILE * TILE)));
    for (let y = part.top; y < part.bottom; y += 1) {
      const span = spans[y - part.top];
      const from = Math.max(span.from, part.left);
      const row = (y - top) * (right - left); // index of its first pixel in the tile
      const count = raise(way, cover, row + from - left, from, Math.min(span.to, part.right), y, raised);
      const shift = y * plane.width + left - row;
      for (let i = 0; i < count; i += 1) brush.ink(plane.words, raised[i] + shift, before[raised[i]], cover[raised[i]]);
    }
  }

  /** Part of a row, covered in full. @param {number} tile @param {number} y @param {number} from @param {number} to */
  #ink(tile, y, from, to) {
    const { plane, brush } = this;
    const { left, top, right } = plane.boxOf(tile);
    const before = this.history.before(plane, tile);
    for (let x = from; x < to; x += 1) {
      brush.ink(plane.words, y * plane.width + x, before[(y - top) * (right - left) + x - left], 255);
    }
  }
}

/** Put other words in the place of a box's, as one step. @param {History} history @param {Plane} plane @param {Box} box @param {Words} words */
export function replace(history, plane, box, words) {
  history.begin();
  history.touch(plane, box);
  plane.paste(words, box);
  history.commit();
}
