/** The tools above the canvas: which is in hand, on which layer, and how it paints. Fires `change` on `tools`. */

import { byId } from "../dom.js";
import { colouring, masking, uncolouring, unmasking } from "./inks.js";

/** @typedef {"brush" | "eraser" | "rectangle" | "lasso"} ToolName */
/** @typedef {"mask" | "colour"} LayerName */

const NAMES = /** @type {ToolName[]} */ (["brush", "eraser", "rectangle", "lasso"]);
const DIALS = ["brush-size", "brush-hardness", "brush-opacity"];
const KEYS = /** @type {Record<string, string>} */ ({ b: "brush", e: "eraser", r: "rectangle", l: "lasso", m: "on-mask", c: "on-colour", i: "invert-mask" });

/** @param {string} id */
const valueOf = (id) => Number(byId(id).value);

class Tools extends EventTarget {
  /** @type {ToolName} */ name = "brush";
  /** @type {LayerName} */ layer = "mask";

  /** Diameter, in pixels of the picture. */
  get size() {
    return valueOf("brush-size");
  }

  get colour() {
    return byId("brush-colour").value;
  }

  /** Whether it fills a shape, in place of following the pointer. */
  get shapes() {
    return this.name === "rectangle" || this.name === "lasso";
  }

  /** What is in hand, as a stroke needs it. `erase`: whatever the tool. @param {boolean} erase @returns {import("./stroke.js").Brush} */
  brush(erase) {
    const away = erase || this.name === "eraser";
    const opacity = valueOf("brush-opacity") / 100;
    const { size } = this;
    const hardness = valueOf("brush-hardness") / 100;
    if (this.layer === "mask") return { size, hardness, ink: away ? unmasking(opacity) : masking(opacity) };
    const smooth = Math.min(hardness, 1 - 2 / Math.max(size, 2)); // colours end softly over a pixel: stairs would be drawn along
    return { size, hardness: smooth, ink: away ? uncolouring(opacity) : colouring(this.colour, opacity) };
  }

  /** @param {ToolName} name */
  take(name) {
    this.name = name;
    for (const each of NAMES) byId(each).setAttribute("aria-pressed", String(each === name));
    this.#told();
  }

  /** @param {LayerName} layer */
  paintOn(layer) {
    this.layer = layer;
    for (const each of ["mask", "colour"]) byId(`on-${each}`).setAttribute("aria-pressed", String(each === layer));
    byId("editor").dataset.layer = layer;
    for (const id of ["invert-mask", "grow-mask", "shrink-mask", "feather-mask", "mask-by"]) byId(id).disabled = layer !== "mask";
    byId("clear-mask").hidden = layer !== "mask";
    byId("clear-sketch").hidden = layer === "mask";
    this.#told();
  }

  /** @param {number} size */
  resize(size) {
    byId("brush-size").value = String(Math.round(size));
    this.#told();
  }

  /** Sizes that suit a picture. @param {import("./view.js").Size} picture */
  suit({ width, height }) {
    const shorter = Math.min(width, height);
    byId("brush-size").max = String(Math.max(16, Math.round(shorter / 2)));
    this.resize(Math.max(4, Math.round(shorter / 8)));
  }

  /** A key without Ctrl; whether it meant a tool. @param {string} key lower case */
  key(key) {
    if (key === "[" || key === "]") {
      const by = Math.max(1, Math.round(this.size / 6));
      this.resize(this.size + (key === "]" ? by : -by));
    } else if (KEYS[key]) byId(KEYS[key]).click();
    else return false;
    return true;
  }

  start() {
    for (const name of NAMES) byId(name).addEventListener("click", () => this.take(name));
    byId("on-mask").addEventListener("click", () => this.paintOn("mask"));
    byId("on-colour").addEventListener("click", () => this.paintOn("colour"));
    byId("brush-colour").addEventListener("input", () => this.paintOn("colour"));
    for (const id of DIALS) byId(id).addEventListener("input", () => this.#told());
    this.paintOn("mask");
  }

  #told() {
    for (const id of DIALS) {
      const dial = byId(id);
      dial.style.setProperty("--fill", String((dial.value - dial.min) / (dial.max - dial.min)));
      byId(`${id}-text`).textContent = id === "brush-size" ? `${dial.value} px` : `${dial.value} %`;
    }
    this.dispatchEvent(new Event("change"));
  }
}

export const tools = new Tools();
