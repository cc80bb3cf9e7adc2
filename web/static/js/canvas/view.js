/** How the picture lies in its window: zoom and place. Plain numbers; knows nothing of the page. */

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {{zoom: number, x: number, y: number}} View  CSS pixels a picture's pixel; where its top left corner is in the window, CSS pixels */
/** @typedef {{width: number, height: number}} Size */

export const LEAST = 0.02;
export const MOST = 32;
const LADDER = [0.02, 0.05, 0.1, 0.25, 0.37, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32];
const MARGIN = 16; // CSS pixels around a picture that fits
const REST = 48; // CSS pixels of the picture that stay in the window
const LARGEST_FIT = 4; // a small picture is not blown up further than that

/** To tenths of a percent: what is shown as 37 % is 37 %. @param {number} zoom */
export const rounded = (zoom) => Math.min(MOST, Math.max(LEAST, Math.round(zoom * 1000) / 1000));

/** Where a point of the window is in the picture. @param {View} view @param {Point} point @returns {Point} */
export const toPicture = (view, point) => ({ x: (point.x - view.x) / view.zoom, y: (point.y - view.y) / view.zoom });

/** The other way round. @param {View} view @param {Point} point @returns {Point} */
export const toWindow = (view, point) => ({ x: point.x * view.zoom + view.x, y: point.y * view.zoom + view.y });

/** All of a box, in the middle. @param {Box} content picture pixels @param {Size} window @returns {View} */
export function fit({ left, top, right, bottom }, window) {
  const room = { width: Math.max(1, window.width - 2 * MARGIN), height: Math.max(1, window.height - 2 * MARGIN) };
  const most = Math.min(room.width / (right - left), room.height / (bottom - top), LARGEST_FIT);
  const zoom = Math.max(LEAST, Math.floor(most * 1000) / 1000);
  return {
    zoom,
    x: Math.round((window.width - (right - left) * zoom) / 2 - left * zoom),
    y: Math.round((window.height - (bottom - top) * zoom) / 2 - top * zoom),
  };
}

/** Another zoom, with a point of the window staying where it is in the picture. @param {View} view @param {number} zoom @param {Point} about @returns {View} */
export function zoomed(view, zoom, about) {
  const wanted = rounded(zoom);
  const fixed = toPicture(view, about);
  return { zoom: wanted, x: Math.round(about.x - fixed.x * wanted), y: Math.round(about.y - fixed.y * wanted) };
}

/** @param {View} view @param {number} dx @param {number} dy CSS pixels @returns {View} */
export const moved = (view, dx, dy) => ({ zoom: view.zoom, x: Math.round(view.x + dx), y: Math.round(view.y + dy) });

/** The next step of the ladder. @param {number} zoom @param {1 | -1} direction */
export function step(zoom, direction) {
  const next = direction > 0 ? LADDER.find((each) => each > zoom * 1.01) : LADDER.findLast((each) => each < zoom * 0.99);
  return next ?? (direction > 0 ? MOST : LEAST);
}

/** No further out than that some of it is seen. @param {View} view @param {Box} content @param {Size} window @returns {View} */
export function kept(view, { left, top, right, bottom }, window) {
  const within = (/** @type {number} */ at, /** @type {number} */ low, /** @type {number} */ high) => Math.round(Math.min(Math.max(low, high), Math.max(Math.min(low, high), at)));
  return {
    zoom: view.zoom,
    x: within(view.x, REST - right * view.zoom, window.width - REST - left * view.zoom),
    y: within(view.y, REST - bottom * view.zoom, window.height - REST - top * view.zoom),
  };
}

/** Moved as little as brings a point of the picture into the window. @param {View} view @param {Point} point @param {Size} window @returns {View} */
export function showing(view, point, window) {
  const { x, y } = toWindow(view, point);
  const by = (/** @type {number} */ at, /** @type {number} */ length) => Math.max(0, MARGIN - at) - Math.max(0, at - (length - MARGIN));
  return moved(view, by(x, window.width), by(y, window.height));
}

/** Two fingers: what was between them stays between them. @param {View} view @param {[Point, Point]} before @param {[Point, Point]} after @returns {View} */
export function pinched(view, before, after) {
  const middle = (/** @type {[Point, Point]} */ [a, b]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  const apart = (/** @type {[Point, Point]} */ [a, b]) => Math.hypot(a.x - b.x, a.y - b.y);
  const [from, to] = [middle(before), middle(after)];
  const larger = zoomed(view, view.zoom * (apart(after) / Math.max(1, apart(before))), from);
  return moved(larger, to.x - from.x, to.y - from.y);
}
