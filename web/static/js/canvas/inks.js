/**
 * What paint does to a pixel: `words[at]` is written, from the word that stood there before the stroke and how far it is
 * covered now, 1 to 255. Nothing is given back: numbers of 32 bits would be made as objects, one for each pixel.
 */

/** @typedef {(words: import("./plane.js").Words, at: number, before: number, cover: number) => void} Ink */

/** @param {number} opacity 0 to 1 @returns {Ink} the mask, towards 255 */
export function masking(opacity) {
  return (words, at, before, cover) => {
    words[at] = Math.round(before + (255 - before) * (cover / 255) * opacity);
  };
}

/** @param {number} opacity 0 to 1 @returns {Ink} the mask, towards 0 */
export function unmasking(opacity) {
  return (words, at, before, cover) => {
    words[at] = Math.round(before * (1 - (cover / 255) * opacity));
  };
}

/** A word of four bytes, red first, as canvases have them. @param {number} r @param {number} g @param {number} b @param {number} a */
const rgba = (r, g, b, a) => ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;

/**
 * Colour laid over what is there ("over" of Porter and Duff, on colours that are not multiplied by their alpha).
 * @param {string} colour "#rrggbb" @param {number} opacity 0 to 1 @returns {Ink}
 */
export function colouring(colour, opacity) {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  const full = rgba(red, green, blue, 255);
  return (words, at, before, cover) => {
    const above = (cover / 255) * opacity;
    if (above === 1) words[at] = full;
    else if (before === 0) words[at] = (full & 0xffffff) | (Math.round(above * 255) << 24); // on nothing: most of a sketch
    else {
      const below = ((before >>> 24) / 255) * (1 - above);
      const alpha = above + below;
      const [ours, theirs] = [above / alpha, below / alpha];
      const r = Math.round(red * ours + (before & 255) * theirs);
      const g = Math.round(green * ours + ((before >>> 8) & 255) * theirs);
      const b = Math.round(blue * ours + ((before >>> 16) & 255) * theirs);
      words[at] = rgba(r, g, b, Math.round(alpha * 255));
    }
  };
}

/** @param {number} opacity 0 to 1 @returns {Ink} colour, towards nothing */
export function uncolouring(opacity) {
  return (words, at, before, cover) => {
    const alpha = Math.round((before >>> 24) * (1 - (cover / 255) * opacity));
    words[at] = alpha ? (before & 0xffffff) | (alpha << 24) : 0;
  };
}

/** A picture's colours with paint over them; both four bytes a pixel, the picture opaque. @param {Uint8ClampedArray} picture @param {Uint32Array} paint */
export function layOver(picture, paint) {
  for (let i = 0; i < paint.length; i += 1) {
    const word = paint[i];
    const alpha = (word >>> 24) / 255;
    if (!alpha) continue;
    for (let channel = 0; channel < 3; channel += 1) {
      const at = 4 * i + channel;
      picture[at] = Math.round(picture[at] * (1 - alpha) + ((word >>> (8 * channel)) & 255) * alpha);
    }
  }
}
