/** What is on the canvas: the picture, the mask over it, the colours sketched on it, and all that can be taken back. */

import { byId } from "../dom.js";
import { History } from "./history.js";
import { colourPlane, maskPlane } from "./plane.js";
import { breath, inPieces } from "./pieces.js";
import { beforeNextFrame, Screen } from "./screen.js";
import { replace } from "./stroke.js";

/** @typedef {import("../types.js").Picture} Picture */
/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./plane.js").Plane} Plane */
/** @typedef {import("./plane.js").Words} Words */

const LAMP = 0x264aff; // the mask's colour on the page, blue first: rgb(255 74 38); css makes it translucent

/** @type {import("./screen.js").Shade} */
function lit(words, into, at) {
  for (let i = 0; i < words.length; i += 1) into[at + i] = (words[i] << 24) | LAMP;
}

/** @type {import("./screen.js").Shade} */
const coloured = (words, into, at) => into.set(words, at);

/** Fires `change` when a stroke is complete, taken back or put back, and when another picture is there. */
class Work extends EventTarget {
  /** @type {Picture | null} */ picture = null;
  mask = maskPlane(1, 1);
  /** @type {Plane | null} */ sketch = null; // made with the first stroke in colour: it takes four times as much room
  history = new History();
  version = 0; // of all that is painted
  sketchVersion = 0;

  #maskScreen = new Screen(byId("mask-screen"), lit);
  #sketchScreen = new Screen(byId("sketch-screen"), coloured);
  #draw = beforeNextFrame(() => this.#drawNow());

  #tidying = false;

  /** What else is to be done before drawing. */
  prepare = () => {};

  /** @param {Picture | null} picture @param {Uint8Array} [pixels] of its mask */
  open(picture, pixels) {
    this.picture = picture;
    this.mask = maskPlane(picture?.width ?? 1, picture?.height ?? 1, pixels);
    this.sketch = null;
    this.history = new History();
    this.#maskScreen.show(picture ? this.mask : null);
    this.#sketchScreen.show(null);
    this.sketchVersion += 1;
    this.changed();
  }

  /** @param {import("./tools.js").LayerName} layer @returns {Plane} */
  plane(layer) {
    if (layer === "mask") return this.mask;
    if (!this.sketch) {
      this.sketch = colourPlane(this.mask.width, this.mask.height);
      this.#sketchScreen.show(this.sketch);
    }
    return this.sketch;
  }

  get sketched() {
    return Boolean(this.sketch && !this.sketch.empty);
  }

  /** A box has other words now. @param {Plane} plane @param {Box | null} box */
  touched(plane, box) {
    (plane === this.mask ? this.#maskScreen : this.#sketchScreen).changed(box);
    if (plane !== this.mask) this.sketchVersion += 1;
    this.#draw();
  }

  /** How the picture is looked at from now on. @param {import("./view.js").View} view @param {import("./view.js").Size} window CSS pixels */
  look(view, window) {
    for (const screen of [this.#maskScreen, this.#sketchScreen]) screen.look(view, window);
  }

  /** Before the next frame. */
  drawSoon() {
    this.#draw();
  }

  /** @param {import("./history.js").Touched[]} all */
  move(all) {
    for (const { plane, box } of all) this.touched(plane, box);
    this.changed();
  }

  /** As one step. @param {Plane} plane @param {Box | null} box @param {(words: Words) => Words} change */
  replace(plane, box, change) {
    if (!box) return;
    replace(this.history, plane, box, change(plane.cut(box)));
    this.touched(plane, box);
    this.changed();
  }

  changed() {
    this.version += 1;
    this.#draw();
    this.dispatchEvent(new Event("change"));
    if (!this.#tidying) this.#tidy();
  }

  async #tidy() {
    this.#tidying = true;
    await breath(); // first what the page has to show
    await inPieces(this.history.tidy());
    this.#tidying = false;
  }

  #drawNow() {
    this.prepare();
    const left = [this.#maskScreen, this.#sketchScreen].filter((screen) => screen.draw());
    if (left.length) this.#draw();
  }
}

export const work = new Work();
