/** Strokes and shapes on their way: pointer and keyboard say where, the layer in hand takes the paint, frame by frame. */

import { byId } from "../dom.js";
import { rectangle } from "./geometry.js";
import { layOver } from "./inks.js";
import { markShape } from "./marks.js";
import { Stroke } from "./stroke.js";
import { tools } from "./tools.js";
import { work } from "./work.js";

/** @typedef {import("./geometry.js").Point} Point */

/** @type {Stroke | null} */ let stroke = null;
/** @type {{point: Point, pressure: number}[]} */ let waiting = []; // for the next frame
/** @type {Point[] | null} */ let corners = null; // of a rectangle or a lasso that is being drawn
let away = false; // whether that shape takes away

/** Whether something is being painted. */
export const busy = () => stroke !== null || corners !== null;

/** Paint what waits. */
export function paintWaiting() {
  const points = waiting;
  waiting = [];
  if (!stroke) return;
  for (const { point, pressure } of points) work.touched(stroke.plane, stroke.to(point, pressure));
}

/** @param {Point} point in the picture @param {{erase?: boolean, pressure?: number}} [how] */
export function begin(point, { erase = false, pressure = 1 } = {}) {
  if (busy()) return;
  if (tools.shapes) {
    corners = [point];
    away = erase;
    return;
  }
  stroke = new Stroke(work.history, work.plane(tools.layer), tools.brush(erase));
  waiting = [{ point, pressure }];
  paintWaiting();
}

/** @param {{point: Point, pressure: number}[]} points in the picture */
export function goOn(points) {
  if (corners) draft(points.map(({ point }) => point));
  if (!stroke) return;
  waiting.push(...points);
  work.drawSoon();
}

/** @param {Point[]} points */
function draft(points) {
  if (!corners) return;
  if (tools.name === "lasso") corners.push(...points);
  else corners = [corners[0], points[points.length - 1]];
  markShape(shapeOf(corners));
}

/** @param {Point[]} points */
const shapeOf = (points) => (tools.name === "rectangle" && points.length > 1 ? rectangle(points[0], points[1]) : points);

/** @param {boolean} taken false: as if it had not been */
export function end(taken) {
  if (corners) fillShape(taken);
  if (!stroke) return;
  paintWaiting();
  const done = stroke;
  stroke = null;
  if (taken) {
    done.end();
    work.changed();
  } else work.move(work.history.cancel());
}

/** @param {boolean} taken */
function fillShape(taken) {
  const shape = shapeOf(corners ?? []);
  corners = null;
  markShape([]);
  if (!taken || shape.length < 3) return;
  const fill = new Stroke(work.history, work.plane(tools.layer), tools.brush(away));
  work.touched(fill.plane, fill.fill(shape));
  fill.end();
  work.changed();
}

/** Take a colour from the picture, with what is sketched on it. @param {Point} point */
export function takeColour({ x, y }) {
  const { mask, sketch } = work;
  if (x < 0 || y < 0 || x >= mask.width || y >= mask.height) return;
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(1, 1).getContext("2d"));
  context.drawImage(byId("input-picture"), column, row, 1, 1, 0, 0, 1, 1);
  const { data } = context.getImageData(0, 0, 1, 1);
  if (sketch) layOver(data, Uint32Array.of(sketch.words[row * sketch.width + column]));
  const [red, green, blue] = data;
  byId("brush-colour").value = `#${[red, green, blue].map((value) => value.toString(16).padStart(2, "0")).join("")}`;
  tools.paintOn("colour");
}
