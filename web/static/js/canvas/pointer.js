/**
 * Mouse, pen and fingers over the canvas, told apart: one paints, two fingers move and zoom, the middle button or a held key
 * drags. Once a pen was seen, a finger alone drags too: a hand that rests on the glass does not paint.
 */

import { pinched, rounded, zoomed } from "./view.js";

/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./view.js").View} View */

/** @typedef {object} Painter
 * @property {() => View} view
 * @property {(view: View) => void} look            the view is to be this one
 * @property {() => void} take                     the pointer has come down: keys are for the canvas now
 * @property {() => boolean} dragging               whether a held key makes every pointer drag
 * @property {(point: Point, event: PointerEvent) => void} down  points are in the window, CSS pixels
 * @property {(points: {point: Point, pressure: number}[]) => void} move
 * @property {(taken: boolean) => void} up          the stroke is over; false: it was none
 * @property {(point: Point | null, event: PointerEvent) => void} hover
 */

const SLIP = 350; // ms within which a second finger says that the first did not mean to paint

export class Pointers {
  /** @type {"paint" | "drag" | "pinch" | null} */ #doing = null;
  /** @type {Map<number, Point>} */ #fingers = new Map();
  /** @type {{id: number, at: Point, view: View, time: number, fingers: [Point, Point] | null}} */ #start = { id: -1, at: { x: 0, y: 0 }, view: { zoom: 1, x: 0, y: 0 }, time: 0, fingers: null };
  #pen = false;

  /** @param {HTMLElement} stage @param {Painter} painter */
  constructor(stage, painter) {
    this.stage = stage;
    this.painter = painter;
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    stage.addEventListener("pointerup", (event) => this.#up(event, true));
    stage.addEventListener("pointercancel", (event) => this.#up(event, false));
    stage.addEventListener("pointerleave", (event) => painter.hover(null, event));
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("mousedown", (event) => {
      if (event.button === 1) event.preventDefault(); // no scrolling by itself
    });
  }

  get painting() {
    return this.#doing === "paint";
  }

  /** Let go of a stroke that is being painted. */
  stop() {
    if (!this.painting) return;
    this.#doing = null;
    this.painter.up(true);
  }

  /** @param {MouseEvent} event @returns {Point} */
  at(event) {
    const { left, top } = this.stage.getBoundingClientRect();
    return { x: event.clientX - left - this.stage.clientLeft, y: event.clientY - top - this.stage.clientTop };
  }

  /** @param {PointerEvent} event */
  #down(event) {
    const control = event.target instanceof Element && event.target.closest("button, input, .review-bar");
    const line = control && control.matches(".slider input"); // between before and after, as large as the picture
    if (control && !line) return;
    const at = this.at(event);
    const finger = event.pointerType === "touch";
    this.#pen ||= event.pointerType === "pen";
    if (finger) this.#fingers.set(event.pointerId, at);
    if (this.#fingers.size === 2) this.#pinch();
    else if (line && event.button !== 1) return;
    else if (!this.#doing) this.#begin(event, at, finger);
    else return;
    this.stage.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event @param {Point} at @param {boolean} finger */
  #begin(event, at, finger) {
    const drags = event.button === 1 || this.painter.dragging() || (finger && this.#pen);
    if (!drags && event.button !== 0 && event.button !== 5) return;
    this.painter.take();
    this.#doing = drags ? "drag" : "paint";
    this.#start = { id: event.pointerId, at, view: this.painter.view(), time: event.timeStamp, fingers: null };
    if (drags) this.stage.classList.add("dragging");
    else this.painter.down(at, event);
  }

  #pinch() {
    if (this.painting) this.painter.up(performance.now() - this.#start.time > SLIP);
    const [a, b] = [...this.#fingers.values()];
    this.#doing = "pinch";
    this.#start = { ...this.#start, id: -1, view: this.painter.view(), fingers: [a, b] };
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const at = this.at(event);
    if (this.#fingers.has(event.pointerId)) this.#fingers.set(event.pointerId, at);
    if (this.#doing === "pinch") {
      const [a, b] = [...this.#fingers.values()];
      if (this.#start.fingers && b) this.painter.look(pinched(this.#start.view, this.#start.fingers, [a, b]));
    } else if (this.#doing && event.pointerId !== this.#start.id) return;
    else if (this.#doing === "drag") {
      const { view, at: from } = this.#start;
      this.painter.look({ zoom: view.zoom, x: Math.round(view.x + at.x - from.x), y: Math.round(view.y + at.y - from.y) });
    } else {
      if (this.#doing === "paint") this.painter.move(this.#points(event));
      this.painter.hover(at, event);
    }
  }

  /** All places since the last event. @param {PointerEvent} event */
  #points(event) {
    const { left, top } = this.stage.getBoundingClientRect();
    const all = event.getCoalescedEvents();
    return (all.length ? all : [event]).map(({ clientX, clientY, pressure }) => ({
      point: { x: clientX - left - this.stage.clientLeft, y: clientY - top - this.stage.clientTop },
      pressure: event.pointerType === "pen" ? pressure : 1,
    }));
  }

  /** @param {PointerEvent} event @param {boolean} taken */
  #up(event, taken) {
    this.#fingers.delete(event.pointerId);
    if (this.#doing === "pinch" ? this.#fingers.size : event.pointerId !== this.#start.id) return;
    const { painting } = this;
    this.#doing = null;
    this.stage.classList.remove("dragging");
    if (painting) this.painter.up(taken);
  }

  /** With Ctrl it zooms (so do trackpads that are pinched); without, the page scrolls. @param {WheelEvent} event */
  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const view = this.painter.view();
    const factor = Math.exp(-Math.max(-25, Math.min(25, event.deltaY)) / 100);
    const least = factor > 1 ? view.zoom + 0.001 : view.zoom - 0.001; // slow fingers get on as well
    const wanted = rounded(view.zoom * factor) === view.zoom ? least : view.zoom * factor;
    this.painter.look(zoomed(view, wanted, this.at(event)));
  }
}
