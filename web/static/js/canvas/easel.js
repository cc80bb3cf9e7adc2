/** The picture in its window: zoom, place, and the ring that shows the brush. */

import { byId } from "../dom.js";
import { extension } from "../form.js";
import { extended } from "./marks.js";
import { NO_SIDES } from "./region.js";
import { fit, kept, showing, step, toPicture, zoomed } from "./view.js";
import { work } from "./work.js";

/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./view.js").View} View */

const stage = byId("stage");
const node = byId("easel");
const ring = byId("brush-ring");

/** @type {View} */ let view = { zoom: 1, x: 0, y: 0 };
let fitted = true; // until somebody zooms or drags: then it stays as they left it
/** @type {Point} */ let cursor = { x: 0, y: 0 }; // where the brush is, in the picture
let placed = ""; // what the page has been told

const windowSize = () => ({ width: stage.clientWidth, height: stage.clientHeight });

/** What is to be seen: the picture and the border that will be added. */
function content() {
  const { width, height } = work.picture ?? { width: 1, height: 1 };
  return extended({ width, height }, { ...NO_SIDES, ...extension() });
}

export const easel = {
  view: () => view,
  cursor: () => cursor,

  /** @param {View} wanted */
  look(wanted) {
    fitted = false;
    view = kept(wanted, content(), windowSize());
    work.drawSoon();
  },

  /** All of it. */
  fit() {
    fitted = true;
    view = fit(content(), windowSize());
    work.drawSoon();
  },

  /** The window or what is in it has another size. */
  refit() {
    if (!work.picture || !stage.clientWidth) return;
    if (fitted) easel.fit();
    else easel.look(view);
  },

  /** @param {Point} point in the window @returns {Point} */
  toPicture: (point) => toPicture(view, point),

  /** @param {Point} point in the picture */
  moveBrush(point) {
    cursor = point;
    work.drawSoon();
  },

  /** With the brush in the window. */
  follow() {
    const shown = showing(view, cursor, windowSize());
    if (shown.x !== view.x || shown.y !== view.y) easel.look(shown);
  },

  /** Tell the page; before it is drawn. @param {number} size of the brush, pixels of the picture */
  place(size) {
    const { width, height } = work.picture ?? { width: 1, height: 1 };
    const room = windowSize();
    const now = [view.x, view.y, view.zoom, width, height, room.width, room.height, window.devicePixelRatio].join(" ");
    if (now !== placed) {
      placed = now;
      node.style.width = `${width * view.zoom}px`;
      node.style.height = `${height * view.zoom}px`;
      node.style.transform = `translate(${view.x}px, ${view.y}px)`;
      node.classList.toggle("near", view.zoom >= 2);
      work.look(view, room);
      byId("zoom-full").textContent = `${Math.round(view.zoom * 100)} %`;
    }
    ring.style.width = `${size * view.zoom}px`;
    ring.style.transform = `translate(${cursor.x * view.zoom}px, ${cursor.y * view.zoom}px) translate(-50%, -50%)`;
  },
};

/** About the middle of the window. @param {number} zoom */
function zoomTo(zoom) {
  const { width, height } = windowSize();
  easel.look(zoomed(view, zoom, { x: width / 2, y: height / 2 }));
}

export function startEasel() {
  byId("zoom-in").addEventListener("click", () => zoomTo(step(view.zoom, 1)));
  byId("zoom-out").addEventListener("click", () => zoomTo(step(view.zoom, -1)));
  byId("zoom-full").addEventListener("click", () => zoomTo(1));
  byId("zoom-fit").addEventListener("click", () => easel.fit());
  new ResizeObserver(() => easel.refit()).observe(stage);
}
