/** The canvas, put together: what the page needs to know of it. Fires `change` on `editor`. */

import { bitmap, upload } from "../api.js";
import { byId } from "../dom.js";
import { extension } from "../form.js";
import { showActions, startActions } from "./actions.js";
import { begin, busy, end, goOn, paintWaiting, takeColour } from "./brushwork.js";
import { easel, startEasel } from "./easel.js";
import { layOver } from "./inks.js";
import { dragging, pointerIs, startKeyboard } from "./keyboard.js";
import { setMarks } from "./marks.js";
import { greysOf, opaque, png } from "./pixels.js";
import { Pointers } from "./pointer.js";
import { startRegions } from "./regions.js";
import { tools } from "./tools.js";
import { work } from "./work.js";

/** @typedef {import("../types.js").Picture} Picture */
/** @typedef {import("./geometry.js").Point} Point */

export const editor = new EventTarget();

const stage = byId("stage");
const canvas = byId("mask-canvas");
const ring = byId("brush-ring");

let sketch = { version: -1, id: "" }; // the picture with its colours, as it was sent last
let told = ""; // what the page knows: most strokes change nothing of it

export const currentPicture = () => work.picture;

/** @returns {import("../types.js").Kind} what the next job is */
export function kind() {
  if (!work.picture) return "txt2img";
  return work.mask.empty && !extension() ? "img2img" : "inpaint";
}

/** Whether there is a mask to send. */
export const painted = () => !work.mask.empty;

/** Put a picture on the canvas; `maskId`: a mask painted before. @param {Picture} picture @param {string} [maskId] */
export async function load(picture, maskId) {
  const mask = maskId ? await greysOf(maskId) : undefined;
  end(false);
  byId("input-picture").src = picture.url;
  byId("editor").hidden = false;
  stage.style.setProperty("--ratio", String(picture.width / picture.height));
  setMarks(picture);
  tools.suit(picture);
  tools.paintOn("mask");
  if (tools.shapes || tools.name === "eraser") tools.take("brush");
  work.open(picture, mask?.pixels);
  easel.moveBrush({ x: picture.width / 2, y: picture.height / 2 });
  easel.fit();
}

/** Take the picture from the canvas. */
export function unload() {
  end(false);
  byId("editor").hidden = true;
  byId("input-picture").removeAttribute("src");
  work.open(null);
}

/** The mask as a PNG of exactly the picture's size: white = repaint, black = keep. @returns {Promise<Blob>} */
export function exportMask() {
  const { words, width, height } = work.mask;
  return png(width, height, (context) => context.putImageData(opaque(/** @type {Uint8Array} */ (words), width), 0, 0));
}

/**
 * The picture that the next job starts from; with colours sketched on it that is a new one, sent now unless it was before.
 * @param {AbortSignal} signal @returns {Promise<string | undefined>} its id
 */
export async function sourceId(signal) {
  const { picture, sketchVersion: version } = work;
  if (!picture || !work.sketched) return picture?.id;
  if (sketch.version !== version) sketch = { version, id: (await upload(await exportPicture(picture), signal)).id };
  return sketch.id;
}

/** Whether a picture is the one that was worked on, as it is now. @param {string | undefined} id */
export function isSource(id) {
  const now = work.sketched ? sketch.version === work.sketchVersion && sketch.id : work.picture?.id;
  return Boolean(id) && id === now;
}

/** The picture with the colours laid over it; where there are none, every byte is its own. @param {Picture} picture */
async function exportPicture(picture) {
  const image = await bitmap(picture.id);
  const { sketch: plane } = work;
  return png(picture.width, picture.height, (context) => {
    context.drawImage(image, 0, 0);
    const box = plane?.bounds;
    if (!plane || !box) return;
    const pixels = context.getImageData(box.left, box.top, box.right - box.left, box.bottom - box.top);
    layOver(pixels.data, /** @type {Uint32Array} */ (plane.cut(box)));
    context.putImageData(pixels, box.left, box.top);
  });
}

/** @type {import("./pointer.js").Painter} */
const painter = {
  view: easel.view,
  look: easel.look,
  dragging,
  take() {
    canvas.focus({ preventScroll: true });
    pointerIs(true);
  },
  down(point, event) {
    const at = easel.toPicture(point);
    if (event.altKey) return takeColour(at);
    easel.moveBrush(at);
    const erase = event.button === 5 || event.shiftKey;
    begin(at, { erase, pressure: event.pointerType === "pen" ? event.pressure : 1 });
    return undefined;
  },
  move: (points) => goOn(points.map(({ point, pressure }) => ({ point: easel.toPicture(point), pressure }))),
  up: end,
  hover(point, event) {
    pointerIs(point !== null);
    ring.hidden = !point || event.pointerType === "touch" || tools.shapes;
    if (point) easel.moveBrush(easel.toPicture(point));
  },
};

/** @type {import("./keyboard.js").Hand} */
const hand = {
  here: () => work.picture !== null,
  down: () => begin(easel.cursor()),
  up: () => end(true),
  move(across, down, fine) {
    const far = fine ? 1 : Math.max(1, tools.size / 4);
    const inside = (/** @type {number} */ at, /** @type {number} */ most) => Math.min(most, Math.max(0, at));
    const { x, y } = easel.cursor();
    easel.moveBrush({ x: inside(x + across * far, work.mask.width), y: inside(y + down * far, work.mask.height) });
    easel.follow();
    ring.hidden = false;
    if (busy()) goOn([{ point: easel.cursor(), pressure: 1 }]);
  },
  tool: (key) => tools.key(key),
  drop() {
    const something = busy();
    end(false);
    return something;
  },
};

export function startEditor() {
  const pointers = new Pointers(stage, painter);
  canvas.addEventListener("blur", () => {
    pointers.stop();
    ring.hidden = true;
  });
  startKeyboard(canvas, stage, hand);
  startEasel();
  startActions();
  startRegions();
  work.prepare = () => {
    paintWaiting();
    easel.place(tools.size);
  };
  tools.addEventListener("change", () => {
    ring.classList.toggle("erasing", tools.name === "eraser");
    if (work.picture) work.plane(tools.layer); // made now, and not in the first stroke
    showActions();
    work.drawSoon();
  });
  tools.start();
  work.addEventListener("change", () => {
    showActions();
    const now = [work.picture?.id, kind(), painted()].join(" ");
    if (told === now) return;
    told = now;
    editor.dispatchEvent(new Event("change"));
  });
}
