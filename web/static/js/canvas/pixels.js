/** Pictures as pixels, and pixels as pictures. */

import { bitmap } from "../api.js";
import { t } from "../i18n.js";

/** A picture of the server's as greys: its red. @param {string} id @returns {Promise<import("./filters.js").Greys>} */
export async function greysOf(id) {
  const image = await bitmap(id);
  const { width, height } = image;
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(width, height).getContext("2d"));
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(width * height);
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = data[4 * i];
  return { pixels, width, height };
}

/** Greys as opaque pixels. @param {Uint8Array} greys @param {number} width */
export function opaque(greys, width) {
  const words = new Uint32Array(greys.length);
  for (let i = 0; i < greys.length; i += 1) words[i] = (255 << 24) | (greys[i] * 0x010101);
  return new ImageData(new Uint8ClampedArray(words.buffer), width);
}

/** What is drawn, as a PNG. @param {number} width @param {number} height @param {(context: CanvasRenderingContext2D) => void} draw @returns {Promise<Blob>} */
export function png(width, height, draw) {
  const page = document.createElement("canvas");
  page.width = width;
  page.height = height;
  draw(/** @type {CanvasRenderingContext2D} */ (page.getContext("2d", { willReadFrequently: true })));
  return new Promise((resolve, reject) => {
    page.toBlob((blob) => (blob ? resolve(blob) : reject(new Error(t("The picture could not be written.")))), "image/png");
  });
}
