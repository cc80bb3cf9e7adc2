/** The light table: shows the starting picture and paints the mask over it. Fires `change` on `editor`. */

import { bitmap } from "./api.js";
import { byId } from "./dom.js";
import { extension } from "./form.js";
import { Mask } from "./mask.js";

/** @typedef {import("./types.js").Picture} Picture */
/** @typedef {import("./mask.js").Point} Point */

export const editor = new EventTarget();

const section = byId("editor");
const easel = byId("easel");
/** @type {HTMLCanvasElement} */ const canvas = byId("mask-canvas");
const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
/** @type {HTMLInputElement} */ const size = byId("brush-size");
const ring = byId("brush-ring");
const UNDER_LAMP = /** @type {const} */ ([255, 74, 38]); // the mask's colour on the page; css makes it translucent

/** @type {Picture | null} */ let picture = null;
let mask = new Mask(1, 1);
let erasing = false;
/** @type {Point | null} */ let last = null; // where the stroke is, while one is painted
/** @type {Point} */ let cursor = { x: 0, y: 0 };

export const currentPicture = () => picture;

/** @returns {import("./types.js").Kind} what the next job is */
export function kind() {
  if (!picture) return "txt2img";
  return mask.empty && !extension() ? "img2img" : "inpaint";
}

/** Whether there is a mask to send. */
export const painted = () => !mask.empty;

/** Put a picture on the table; `maskId`: a mask painted before. @param {Picture} image @param {string} [maskId] */
export async function load(image, maskId) {
  const pixels = maskId ? await readMask(maskId) : undefined;
  picture = image;
  mask = new Mask(image.width, image.height, pixels);
  byId("input-picture").src = image.url;
  canvas.width = image.width;
  canvas.height = image.height;
  easel.style.setProperty("--width", String(image.width));
  easel.style.setProperty("--ratio", String(image.width / image.height));
  const shorter = Math.min(image.width, image.height);
  size.max = String(Math.max(16, Math.round(shorter / 2)));
  size.value = String(Math.max(4, Math.round(shorter / 8)));
  cursor = { x: image.width / 2, y: image.height / 2 };
  section.hidden = false;
  choose(false);
  redraw(mask.whole);
  changed();
}

/** Take the picture from the table. */
export function unload() {
  picture = null;
  mask = new Mask(1, 1);
  section.hidden = true;
  byId("input-picture").removeAttribute("src");
  changed();
}

/** The mask as a PNG of exactly the picture's size: white = repaint, black = keep. @returns {Promise<Blob>} */
export function exportMask() {
  const page = document.createElement("canvas");
  page.width = mask.width;
  page.height = mask.height;
  const grey = mask.rgba(mask.whole, (value) => [value, value, value, 255]);
  page.getContext("2d")?.putImageData(new ImageData(grey, mask.width), 0, 0);
  return new Promise((resolve, reject) => {
    page.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The mask could not be written."))), "image/png");
  });
}

/** A mask picture's grey values. @param {string} id */
async function readMask(id) {
  const image = await bitmap(id);
  const page = new OffscreenCanvas(image.width, image.height);
  const brush = /** @type {OffscreenCanvasRenderingContext2D} */ (page.getContext("2d"));
  brush.drawImage(image, 0, 0);
  const { data } = brush.getImageData(0, 0, image.width, image.height);
  return Uint8Array.from({ length: data.length / 4 }, (_, i) => data[i * 4]);
}

/** @param {import("./mask.js").Box | null} box */
function redraw(box) {
  if (!box) return;
  const bytes = mask.rgba(box, (value) => [...UNDER_LAMP, value]);
  context.putImageData(new ImageData(bytes, box.right - box.left), box.left, box.top);
}

function changed() {
  const { empty } = mask;
  byId("undo").disabled = !mask.canUndo;
  byId("redo").disabled = !mask.canRedo;
  byId("clear-mask").disabled = empty;
  byId("mask-hint").textContent = empty
    ? "Paint over what should change. Without paint the whole picture is redrawn."
    : "What is painted is redrawn, the rest stays as it is.";
  editor.dispatchEvent(new Event("change"));
}

/** @param {boolean} eraser */
function choose(eraser) {
  erasing = eraser;
  byId("brush").setAttribute("aria-pressed", String(!eraser));
  byId("eraser").setAttribute("aria-pressed", String(eraser));
  resize();
}

function resize() {
  byId("brush-size-text").textContent = `${size.value} px`;
  size.style.setProperty("--fill", String((Number(size.value) - 1) / (Number(size.max) - 1)));
  ring.style.setProperty("--size", String(Number(size.value) / canvas.width));
  ring.classList.toggle("erasing", erasing);
}

/** Where an event is, in the picture's pixels, whatever the zoom. @param {PointerEvent} event @returns {Point} */
function toPicture(event) {
  const shown = canvas.getBoundingClientRect();
  return {
    x: ((event.clientX - shown.left) * canvas.width) / shown.width,
    y: ((event.clientY - shown.top) * canvas.height) / shown.height,
  };
}

/** @param {Point} point */
function moveRing(point) {
  cursor = point;
  ring.style.setProperty("--x", String(point.x / canvas.width));
  ring.style.setProperty("--y", String(point.y / canvas.height));
}

/** @param {Point} point */
function paintTo(point) {
  redraw(mask.line(last ?? point, point, Number(size.value), erasing ? 0 : 255));
  last = point;
}

/** @param {Point} point */
function startStroke(point) {
  mask.begin();
  paintTo(point);
}

function endStroke() {
  if (!last) return;
  last = null;
  mask.end();
  changed();
}

function listenToPointer() {
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || last) return;
    canvas.setPointerCapture(event.pointerId);
    moveRing(toPicture(event));
    startStroke(cursor);
  });
  canvas.addEventListener("pointermove", (event) => {
    ring.hidden = event.pointerType === "touch";
    moveRing(toPicture(event));
    if (!last) return;
    const all = event.getCoalescedEvents();
    for (const each of all.length ? all : [event]) paintTo(toPicture(each));
  });
  canvas.addEventListener("pointerup", endStroke);
  canvas.addEventListener("pointercancel", endStroke);
  canvas.addEventListener("pointerleave", () => {
    ring.hidden = document.activeElement !== canvas;
  });
}

/** Painting without a pointer: arrows move the brush, the space bar is its touch. */
function listenToKeys() {
  const steps = /** @type {Record<string, [number, number]>} */ ({
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  });
  canvas.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (event.key === " " && !last) startStroke(cursor);
    else if (step) {
      const far = Math.max(1, Number(size.value) / 4);
      const inside = (/** @type {number} */ at, /** @type {number} */ most) => Math.min(most, Math.max(0, at));
      moveRing({ x: inside(cursor.x + step[0] * far, canvas.width), y: inside(cursor.y + step[1] * far, canvas.height) });
      if (last) paintTo(cursor);
    } else if (event.key !== " ") return;
    ring.hidden = false;
    event.preventDefault();
  });
  canvas.addEventListener("keyup", (event) => {
    if (event.key === " ") endStroke();
  });
  canvas.addEventListener("blur", () => {
    endStroke();
    ring.hidden = true;
  });
}

/** @param {KeyboardEvent} event */
function shortcut(event) {
  if (!picture || (event.target instanceof Element && event.target.matches("textarea, select, input:not([type=range])"))) return;
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key === "z") byId(event.shiftKey ? "redo" : "undo").click();
    else if (key === "y") byId("redo").click();
    else return;
    event.preventDefault();
  } else if (key === "b" || key === "e") choose(key === "e");
  else if (key === "[" || key === "]") {
    const by = Math.max(1, Math.round(Number(size.value) / 6));
    size.value = String(Number(size.value) + (key === "]" ? by : -by));
    resize();
  }
}

export function startEditor() {
  listenToPointer();
  listenToKeys();
  size.addEventListener("input", resize);
  byId("brush").addEventListener("click", () => choose(false));
  byId("eraser").addEventListener("click", () => choose(true));
  const step = (/** @type {() => import("./mask.js").Box | null} */ change) => () => {
    if (last) return;
    redraw(change());
    changed();
  };
  byId("undo").addEventListener("click", step(() => mask.undo()));
  byId("redo").addEventListener("click", step(() => mask.redo()));
  byId("clear-mask").addEventListener("click", step(() => (mask.flood(0), mask.whole)));
  document.addEventListener("keydown", shortcut);
}
