/** The panel: reads a request from its controls, writes one into them, and keeps them in step with each other. */

import { carry, startCarried, withCarried } from "./carried.js";
import { byId } from "./dom.js";
import { list } from "./format.js";
import { tn } from "./i18n.js";

const DRAFT = "darkroom.draft";
let untouched = localStorage.getItem(DRAFT) === null; // nothing was ever typed here

/** @type {HTMLFormElement} */ export const form = byId("form");

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Control */

/** Controls that count for the kind of job chosen. @returns {Control[]} */
function controls() {
  return [...form.elements].filter((each) => /** @type {any} */ (each).name && !each.closest("[hidden]")).map((each) => /** @type {Control} */ (each));
}

/** @param {Control} control */
function valueOf(control) {
  if ("list" in control.dataset) return control.value === "" ? [] : [control.value];
  if (control.type === "checkbox") return /** @type {HTMLInputElement} */ (control).checked;
  if (control.type !== "number") return control.value;
  return control.value === "" ? null : Number(control.value);
}

/** Objects in a request, and what their controls hold where there is none: `variation.seed` is the seed in `variation`. */
const NOTHING = {
  variation: { seed: null },
  hires: { factor: null },
  extend: { left: 0, right: 0, top: 0, bottom: 0 },
};

/** @param {import("./types.js").Kind} kind */
export function readForm(kind) {
  /** @type {Record<string, any>} */ const request = { kind };
  for (const control of controls()) {
    const [name, part] = control.name.split(".");
    if (part) request[name] = { ...request[name], [part]: valueOf(control) };
    else request[name] = valueOf(control);
  }
  for (const [name, nothing] of Object.entries(NOTHING)) {
    const parts = request[name];
    if (parts && Object.entries(nothing).every(([part, value]) => parts[part] === value)) request[name] = null;
  }
  if (kind !== "inpaint") delete request.extend; // it is shown beside any picture: what extends one is an inpaint job
  return withCarried(request);
}

/** What a picture grows by, pixels; null = nothing. @returns {Record<string, number> | null} */
export function extension() {
  const sides = Object.keys(NOTHING.extend).map((side) => [side, Number(byId(`extend.${side}`).value)]);
  return sides.some(([, pixels]) => pixels) ? Object.fromEntries(sides) : null;
}

/** What the browser itself can tell is wrong. @returns {import("./errors.js").Complaint[]} */
export function complaints() {
  return controls()
    .filter((control) => !control.validity.valid)
    .map((control) => ({ name: control.name, message: control.validationMessage }));
}

/** All of a request: what has no control goes along with the next jobs. @param {Record<string, any>} request */
export function writeRequest(request) {
  untouched = false;
  writeForm(request);
  carry(request, (name) => form.elements.namedItem(name) !== null);
}

/** @param {Record<string, unknown>} values */
export function writeForm(values) {
  const entries = Object.entries(values).flatMap(([name, value]) => {
    if (!(name in NOTHING)) return [[name, value]];
    const parts = value ?? NOTHING[/** @type {keyof typeof NOTHING} */ (name)];
    return Object.entries(parts).map(([part, inner]) => [`${name}.${part}`, inner]);
  });
  for (const [name, value] of entries) {
    const control = /** @type {Control | null} */ (form.elements.namedItem(name));
    if (!control) continue;
    if ("list" in control.dataset) {
      control.dataset.wanted = /** @type {string[]} */ (value)?.[0] ?? ""; // its options may come later
      control.value = control.dataset.wanted;
    } else if (control.type === "checkbox") /** @type {HTMLInputElement} */ (control).checked = Boolean(value);
    else if (name === "model" && value) {
      control.dataset.wanted = String(value); // its options may come later
      if ([.../** @type {HTMLSelectElement} */ (control).options].some((option) => option.value === value)) control.value = String(value);
    } else control.value = value === null || value === undefined ? "" : String(value);
    control.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/** What suits the model, for somebody who has not chosen yet. @param {Record<string, unknown>} values */
export function suggest(values) {
  if (untouched) writeForm(values);
}

/** Show the controls that this kind of job has. @param {import("./types.js").Kind} kind */
export function showKind(kind) {
  for (const part of form.querySelectorAll("[data-kinds]")) {
    const kinds = /** @type {HTMLElement} */ (part).dataset.kinds ?? "";
    /** @type {HTMLElement} */ (part).hidden = !kinds.split(" ").includes(kind);
  }
  switchStrength(kind);
}

/** The two kinds have a default strength each; one that was chosen stays. @param {string} kind */
function switchStrength(kind) {
  const { defaultImg2img, defaultInpaint } = byId("strength-defaults").dataset;
  const [wanted, other] = kind === "inpaint" ? [defaultInpaint, defaultImg2img] : [defaultImg2img, defaultInpaint];
  if (Number(byId("strength").value) === Number(other)) writeForm({ strength: Number(wanted) });
}

/** A slider and its number show the same. */
function pairSliders() {
  for (const each of document.querySelectorAll("[data-slides]")) {
    const slider = /** @type {HTMLInputElement} */ (each);
    /** @type {HTMLInputElement} */ const number = byId(slider.dataset.slides ?? "");
    const fill = () => {
      const part = (Number(slider.value) - Number(slider.min)) / (Number(slider.max) - Number(slider.min));
      slider.style.setProperty("--fill", String(part));
    };
    slider.addEventListener("input", () => {
      number.value = slider.value;
      fill();
    });
    number.addEventListener("input", () => {
      slider.value = number.value;
      fill();
    });
    fill();
  }
}

/** The line under a choice explains what is chosen, and the fields that it takes are shown. */
function explainChoices() {
  for (const each of form.querySelectorAll("select")) {
    each.addEventListener("input", () => {
      const about = each.selectedOptions[0]?.dataset.hint;
      if (about) byId(`${each.id}-hint`).textContent = about;
      showOptions();
    });
  }
  showOptions();
}

/** What is hidden is not sent, so no sampler or schedule is given a field that it does not take. */
function showOptions() {
  const takes = ["sampler", "schedule"].flatMap(
    (id) => (/** @type {HTMLSelectElement} */ (byId(id)).selectedOptions[0]?.dataset.takes ?? "").split(" "),
  );
  const fields = [.../** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-option]"))];
  for (const field of fields) field.hidden = !takes.includes(field.dataset.field ?? "");
  byId("sampling-more").hidden = fields.every((field) => field.hidden);
}

function listenToTools() {
  for (const each of form.querySelectorAll("[data-step]")) {
    const count = byId("count");
    each.addEventListener("click", () => {
      const wanted = (Number(count.value) || 0) + Number(/** @type {HTMLElement} */ (each).dataset.step);
      writeForm({ count: Math.min(Number(count.max), Math.max(Number(count.min), wanted)) });
    });
  }
  const toggle = byId("settings-toggle");
  toggle.addEventListener("click", () => {
    const open = toggle.getAttribute("aria-expanded") !== "true";
    toggle.setAttribute("aria-expanded", String(open));
    byId("settings").classList.toggle("open", open);
  });
}

/** What the folded settings say, on a narrow screen. */
export function summarise() {
  const { width, height, steps, count } = /** @type {Record<string, HTMLInputElement>} */ (/** @type {unknown} */ (form.elements));
  const size = [width, height].map((side) => side.value || side.placeholder).join(" × ");
  const effort = tn("{count} step", "{count} steps", Number(steps.value));
  byId("settings-summary").textContent = list([size, effort, tn("{count} picture", "{count} pictures", Number(count.value))]);
}

/** What is typed survives a reload. */
function keepDraft() {
  try {
    writeForm(JSON.parse(localStorage.getItem(DRAFT) ?? "{}"));
  } catch {
    localStorage.removeItem(DRAFT);
  }
  form.addEventListener("input", () => {
    const values = controls().map((control) => [control.name, valueOf(control)]);
    localStorage.setItem(DRAFT, JSON.stringify(Object.fromEntries(values)));
  });
}

export function startForm() {
  pairSliders();
  explainChoices();
  listenToTools();
  form.addEventListener("input", summarise);
  keepDraft();
  startCarried();
}
