/** The canvas by keyboard: arrows move the brush, the space bar is its touch; other keys zoom, drag and choose tools. */

import { byId } from "../dom.js";

/** @typedef {object} Hand
 * @property {() => boolean} here                  whether there is a picture to work on
 * @property {() => void} down
 * @property {() => void} up
 * @property {(across: number, down: number, fine: boolean) => void} move  -1, 0 or 1 each
 * @property {(key: string) => boolean} tool       whether the key meant one
 * @property {() => boolean} drop                let go of what is being painted; whether anything was
 */

const ARROWS = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
});
const ZOOMS = /** @type {Record<string, string>} */ ({ "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", 0: "zoom-fit", 1: "zoom-full" });

let typing = true; // whether the canvas was reached, or is being worked on, by keys: then the space bar paints
let over = false; // whether the mouse is over the canvas
let painting = false;
const held = new Set(/** @type {string[]} */ ([])); // keys that drag

/** Whether a held key makes the pointer drag the picture. */
export const dragging = () => held.size > 0;

/** The pointer has come (or gone): from now on the space bar drags. @param {boolean} here */
export function pointerIs(here) {
  over = here;
  if (here) typing = false;
}

/** @param {KeyboardEvent} event */
function inText({ target }) {
  return target instanceof Element && target.matches("textarea, select, input:not([type=range], [type=color])");
}

/** @param {HTMLElement} canvas @param {HTMLElement} stage @param {Hand} hand */
export function startKeyboard(canvas, stage, hand) {
  /** @param {string} key @param {boolean} down */
  const hold = (key, down) => {
    if (down) held.add(key);
    else held.delete(key);
    stage.classList.toggle("hand", held.size > 0);
  };
  canvas.addEventListener("keydown", (event) => {
    const step = ARROWS[event.key];
    if (step && !event.ctrlKey && !event.metaKey) {
      typing = true;
      hand.move(...step, event.shiftKey);
    } else if (event.key === " " && (typing || !over)) {
      if (!painting) hand.down();
      painting = true;
    } else return;
    event.preventDefault();
  });
  canvas.addEventListener("focus", () => (typing = canvas.matches(":focus-visible")));
  canvas.addEventListener("blur", () => lift(hand));
  document.addEventListener("keyup", (event) => {
    if (event.key === " ") lift(hand);
    hold(event.key.toLowerCase(), false);
  });
  window.addEventListener("blur", () => {
    held.clear();
    stage.classList.remove("hand");
  });
  document.addEventListener("keydown", (event) => {
    if (!hand.here() || inText(event) || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (key === "escape" && hand.drop()) event.stopImmediatePropagation(); // else it would cancel a job
    else if (event.ctrlKey || event.metaKey || event.altKey) withControl(event, key);
    else if (key === "h") hold("h", true);
    else if (key === " " && over && !typing && !onControl(event, canvas)) {
      hold(" ", true);
      event.preventDefault();
    } else if (ZOOMS[key]) byId(ZOOMS[key]).click();
    else hand.tool(key);
  });
}

/** @param {Hand} hand */
function lift(hand) {
  if (painting) hand.up();
  painting = false;
}

/** A space bar that belongs to a button. @param {KeyboardEvent} event @param {HTMLElement} canvas */
function onControl({ target }, canvas) {
  return target !== canvas && target instanceof Element && target.matches("button, input, summary, a, [tabindex]");
}

/** @param {KeyboardEvent} event @param {string} key */
function withControl(event, key) {
  if (event.altKey) return;
  if (key === "z") byId(event.shiftKey ? "redo" : "undo").click();
  else if (key === "y") byId("redo").click();
  else return;
  event.preventDefault();
}
