/**
 * A mask at its picture's own pixels: 0 keeps, 255 repaints, greys partly. Knows nothing of the page.
 *
 * A stroke covers every pixel whose centre lies within the brush's radius of its line; edges are hard, softening is the
 * server's work (mask_blur), so what is painted is exactly what is sent.
 */

const MOST_MEMORY = 64 * 1024 * 1024; // bytes of undo history
const SMALLEST = Math.SQRT1_2; // a brush of one pixel still covers the pixel it stands in

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box  pixels, right and bottom exclusive */
/** @typedef {{x: number, y: number}} Point  pixels from the picture's top left corner */
/** @typedef {{box: Box, before: Uint8Array, after: Uint8Array}} Change */

export class Mask {
  /** @type {Change[]} */ #past = [];
  /** @type {Change[]} */ #future = [];
  /** @type {{pixels: Uint8Array, box: Box | null} | null} */ #stroke = null;

  /** @param {number} width @param {number} height @param {Uint8Array} [pixels] */
  constructor(width, height, pixels = new Uint8Array(width * height)) {
    this.width = width;
    this.height = height;
    this.pixels = pixels;
  }

  get empty() {
    return !this.pixels.some(Boolean);
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** Start what one undo takes back. */
  begin() {
    this.#stroke = { pixels: this.pixels.slice(), box: null };
  }

  /**
   * Cover a line from one point to another; the box it touched, or null.
   * @param {Point} from @param {Point} to @param {number} size diameter, pixels @param {number} value 0 to 255
   */
  line(from, to, size, value) {
    const radius = Math.max(size / 2, SMALLEST);
    const box = this.#clip({
      left: Math.floor(Math.min(from.x, to.x) - radius),
      top: Math.floor(Math.min(from.y, to.y) - radius),
      right: Math.ceil(Math.max(from.x, to.x) + radius),
      bottom: Math.ceil(Math.max(from.y, to.y) + radius),
    });
    if (!box) return null;
    const dx = to.x - from.x;
    const dy = to.y - from.y;
    const length2 = dx * dx + dy * dy;
    for (let y = box.top; y < box.bottom; y += 1) {
      const py = y + 0.5 - from.y;
      for (let x = box.left; x < box.right; x += 1) {
        const px = x + 0.5 - from.x;
        const along = length2 ? Math.min(1, Math.max(0, (px * dx + py * dy) / length2)) : 0;
        if ((px - along * dx) ** 2 + (py - along * dy) ** 2 <= radius * radius) this.pixels[y * this.width + x] = value;
      }
    }
    if (this.#stroke) this.#stroke.box = union(this.#stroke.box, box);
    return box;
  }

  /** Cover everything. @param {number} value 0 to 255 */
  flood(value) {
    this.begin();
    this.pixels.fill(value);
    if (this.#stroke) this.#stroke.box = this.whole;
    this.end();
  }

  /** The stroke is complete. */
  end() {
    const stroke = this.#stroke;
    this.#stroke = null;
    if (!stroke?.box) return;
    const { box } = stroke;
    this.#past.push({ box, before: this.#cut(stroke.pixels, box), after: this.#cut(this.pixels, box) });
    this.#future = [];
    let memory = 0;
    const first = this.#past.findLastIndex((change) => (memory += 2 * change.before.length) > MOST_MEMORY);
    if (first >= 0 && this.#past.length > 1) this.#past.splice(0, Math.min(first + 1, this.#past.length - 1));
  }

  /** Take the last stroke back; the box it changed. */
  undo() {
    const change = this.#past.pop();
    if (!change) return null;
    this.#future.push(change);
    this.#paste(change.before, change.box);
    return change.box;
  }

  /** Put back what undo took; the box it changed. */
  redo() {
    const change = this.#future.pop();
    if (!change) return null;
    this.#past.push(change);
    this.#paste(change.after, change.box);
    return change.box;
  }

  /** @returns {Box} */
  get whole() {
    return { left: 0, top: 0, right: this.width, bottom: this.height };
  }

  /**
   * A box as RGBA bytes, each pixel made by `shade` from its value.
   * @param {Box} box @param {(value: number) => [number, number, number, number]} shade
   */
  rgba(box, shade) {
    const palette = new Uint32Array(256); // each entry the four bytes of one pixel
    const bytes = new Uint8ClampedArray(palette.buffer);
    for (let value = 0; value < 256; value += 1) bytes.set(shade(value), value * 4);
    const pixels = Uint32Array.from(this.#cut(this.pixels, box), (value) => palette[value]);
    return new Uint8ClampedArray(pixels.buffer);
  }

  /** @param {Box} box @returns {Box | null} */
  #clip(box) {
    const left = Math.max(0, box.left);
    const top = Math.max(0, box.top);
    const right = Math.min(this.width, box.right);
    const bottom = Math.min(this.height, box.bottom);
    return left < right && top < bottom ? { left, top, right, bottom } : null;
  }

  /** @param {Uint8Array} pixels @param {Box} box */
  #cut(pixels, { left, top, right, bottom }) {
    const width = right - left;
    const part = new Uint8Array(width * (bottom - top));
    for (let y = top; y < bottom; y += 1) {
      const start = y * this.width + left;
      part.set(pixels.subarray(start, start + width), (y - top) * width);
    }
    return part;
  }

  /** @param {Uint8Array} part @param {Box} box */
  #paste(part, { left, top, right, bottom }) {
    const width = right - left;
    for (let y = top; y < bottom; y += 1) {
      this.pixels.set(part.subarray((y - top) * width, (y - top + 1) * width), y * this.width + left);
    }
  }
}

/** @param {Box | null} a @param {Box} b @returns {Box} */
function union(a, b) {
  if (!a) return b;
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}
