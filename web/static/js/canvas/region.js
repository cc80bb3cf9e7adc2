/**
 * What an inpaint job will redraw, before it is sent: the arithmetic of `lay_out`, `extended` and `region` in
 * worker/inpainting.py, line for line; tests/web/test_canvas_region.py holds the two against each other.
 */

import { shared, union, whole, widened } from "./geometry.js";
import { blurred, blurReach, inverted, now } from "./filters.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./filters.js").Greys} Greys */
/** @typedef {{left: number, right: number, top: number, bottom: number}} Sides  pixels that are added */
/** @typedef {{width: number, height: number}} Size  pixels */

export const NO_SIDES = { left: 0, right: 0, top: 0, bottom: 0 };

/**
 * Where a mask is anything but black once it is blurred, or null. `bounds`: where it is before.
 * @param {Greys} mask @param {Box | null} bounds @param {number} blur pixels @param {boolean} invert
 * @returns {Generator<void, Box | null, void>}
 */
export function* maskedBox(mask, bounds, blur, invert) {
  const all = whole(mask.width, mask.height);
  const box = invert ? all : bounds && shared(widened(bounds, blurReach(blur) + 1), all);
  if (!box) return null;
  const size = { width: box.right - box.left, height: box.bottom - box.top };
  const part = cut(mask, box);
  const soft = yield* blurred({ ...size, pixels: invert ? inverted(part) : part }, blur);
  const found = litBox({ ...size, pixels: soft });
  return found && { left: found.left + box.left, top: found.top + box.top, right: found.right + box.left, bottom: found.bottom + box.top };
}

/** @param {Greys} greys @param {Box} box */
function cut({ pixels, width }, { left, top, right, bottom }) {
  const part = new Uint8Array((right - left) * (bottom - top));
  for (let y = top; y < bottom; y += 1) part.set(pixels.subarray(y * width + left, y * width + right), (y - top) * (right - left));
  return part;
}

/** @param {Greys} greys @returns {Box | null} */
function litBox({ pixels, width, height }) {
  /** @type {Box | null} */ let found = null;
  for (let y = 0; y < height; y += 1) {
    const row = pixels.subarray(y * width, (y + 1) * width);
    const left = row.findIndex(Boolean);
    if (left >= 0) found = union(found, { left, top: y, right: row.findLastIndex(Boolean) + 1, bottom: y + 1 });
  }
  return found;
}

/**
 * The part of the picture that `area: masked` works on, in the pixels of the picture with its added borders; null where
 * nothing is masked. `masked`: of the picture alone, as `maskedBox` finds it. `size`: that the model works at.
 * @param {{picture: Size, masked: Box | null, extend: Sides, blur: number, padding: number, size: Size}} asked @returns {Box | null}
 */
export function region({ picture, masked, extend, blur, padding, size }) {
  const width = picture.width + extend.left + extend.right;
  const height = picture.height + extend.top + extend.bottom;
  const painted = masked && {
    left: masked.left + extend.left,
    top: masked.top + extend.top,
    right: masked.right + extend.left,
    bottom: masked.bottom + extend.top,
  };
  const found = union(painted, borderBox(picture, extend, blur));
  if (!found) return null;
  const [l, r] = stretched(found.left - padding, found.right + padding, 0, width);
  const [t, b] = stretched(found.top - padding, found.bottom + padding, 0, height);
  const aspect = size.width / size.height;
  const [left, right] = stretched(l, r, halfEven((b - t) * aspect), width);
  const [top, bottom] = stretched(t, b, halfEven((right - left) / aspect), height);
  return { left, top, right, bottom };
}

/** Where the added border and its fade into the picture are: one side lies along the whole of it. @param {Size} picture @param {Sides} extend @param {number} blur @returns {Box | null} */
function borderBox({ width, height }, { left, right, top, bottom }, blur) {
  const [across, down] = [width + left + right, height + top + bottom];
  const inward = (/** @type {number} */ side) => Math.min(2 * blur, Math.floor(side / 4)) + fadeReach(blur);
  /** @type {Box | null} */ let all = null;
  if (left) all = union(all, { left: 0, top: 0, right: Math.min(across, left + inward(width)), bottom: down });
  if (right) all = union(all, { left: Math.max(0, left + width - inward(width)), top: 0, right: across, bottom: down });
  if (top) all = union(all, { left: 0, top: 0, right: across, bottom: Math.min(down, top + inward(height)) });
  if (bottom) all = union(all, { left: 0, top: Math.max(0, top + height - inward(height)), right: across, bottom: down });
  return all;
}

/** How far beyond its edge a wide white area is still not black once it is blurred, pixels. @param {number} blur */
function fadeReach(blur) {
  const reach = blurReach(blur);
  const line = new Uint8Array(4 * reach + 2).fill(255, 0, 2 * reach + 1);
  const soft = now(blurred({ pixels: line, width: line.length, height: 1 }, blur));
  return soft.findLastIndex(Boolean) + 1 - (2 * reach + 1);
}

/** `_widen`: low..high grown about its middle to `length`, moved and cut to lie within 0..limit. @param {number} low @param {number} high @param {number} length @param {number} limit */
function stretched(low, high, length, limit) {
  const from = Math.max(low, 0);
  const to = Math.min(high, limit);
  const missing = Math.min(length, limit) - (to - from);
  if (missing <= 0) return [from, to];
  const start = Math.min(Math.max(from - Math.floor(missing / 2), 0), limit - (to - from) - missing);
  return [start, start + Math.min(length, limit)];
}

/** As Python rounds: a half to the even neighbour. @param {number} value */
function halfEven(value) {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 ? down + 1 : down;
}
