/** Compare settings: a grid over up to three fields of what the form asks for. Its own draft is kept like the form's. */

import { byId, el } from "./dom.js";
import { t } from "./i18n.js";

const DRAFT = "darkroom.compare";
const AXES = /** @type {const} */ (["x", "y", "z"]);
const CHOICES = ["sampler", "schedule", "tiling"]; // fields of which one chooses values that the form has, too

/** How values may be written. @type {Record<string, string>} */
const EXAMPLES = {
  prompt: t("cat, dog, bird"),
  seed: "1-4",
  steps: "5-20 (+5)",
  guidance: "1, 4.5, 7",
  strength: "0.3-0.9 [4]",
};

/** @param {string} axis */
const parts = (axis) => ({ field: byId(axis), values: byId(`${axis}-values`), choices: byId(`${axis}-choices`) });

/** @param {HTMLElement} choices @returns {string[]} */
const chosen = (choices) => [...choices.querySelectorAll("[aria-pressed=true]")].map((chip) => /** @type {HTMLElement} */ (chip).dataset.value ?? "");

/** @param {string} field @param {string[]} wanted @param {() => void} changed */
function chips(field, wanted, changed) {
  return [...byId(field).options].map(({ value, text }) => {
    const chip = el("button", { type: "button", class: "chip", "aria-pressed": String(wanted.includes(value)), "data-value": value, text });
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      changed();
    });
    return chip;
  });
}

/** Show what is filled in for a field: a text, or what there is to choose from. @param {string} axis @param {string[]} wanted @param {() => void} changed */
function showValues(axis, wanted, changed) {
  const { field, values, choices } = parts(axis);
  const choose = CHOICES.includes(field.value);
  byId(`${axis}-values-field`).hidden = !field.value || choose;
  choices.hidden = !choose;
  values.placeholder = EXAMPLES[field.value] ?? "";
  byId(`${axis}-hint`).textContent = field.value === "prompt" ? t("The first is looked for in the prompts, and each is put in its place.") : t("Values between commas; 1-10 (+3) and 1-10 [4] are numbers in steps.");
  byId(`${axis}-hint`).hidden = !field.value || choose;
  choices.replaceChildren(...(choose ? chips(field.value, wanted, changed) : []));
}

/** @returns {Record<string, {field: string, values: string | string[]}>} those that are filled in */
function axes() {
  const filled = AXES.map((axis) => {
    const { field, values, choices } = parts(axis);
    return { axis, field: field.value, values: CHOICES.includes(field.value) ? chosen(choices) : values.value.trim() };
  });
  return Object.fromEntries(filled.filter(({ field, values }) => field && values.length).map(({ axis, ...rest }) => [axis, rest]));
}

/** Which fields there are for a kind of job. @param {import("./types.js").Kind} kind */
export function showFields(kind) {
  for (const axis of AXES) {
    const option = byId(axis).querySelector("[value=strength]");
    option.disabled = option.hidden = kind === "txt2img";
    if (option.selected && option.disabled) {
      byId(axis).value = "";
      byId(axis).dispatchEvent(new Event("input", { bubbles: true }));
    }
  }
}

/** @param {import("./types.js").JobRequest} base @returns {import("./types.js").JobRequest} */
function gridOf(base) {
  const { webhook, ...rest } = base;
  return /** @type {any} */ ({ kind: "grid", base: { ...rest, count: 1 }, ...axes() });
}

function keep() {
  localStorage.setItem(DRAFT, JSON.stringify(axes()));
  byId("compare").disabled = !axes().x;
}

function recall() {
  /** @type {ReturnType<typeof axes>} */ let draft = {};
  try {
    draft = JSON.parse(localStorage.getItem(DRAFT) ?? "{}");
  } catch {
    localStorage.removeItem(DRAFT);
  }
  for (const axis of AXES) {
    const { field, values } = draft[axis] ?? { field: "", values: "" };
    byId(axis).value = field;
    byId(`${axis}-values`).value = Array.isArray(values) ? "" : values;
    showValues(axis, Array.isArray(values) ? values : [], keep);
  }
  keep();
}

/** @param {(shape: (request: import("./types.js").JobRequest) => import("./types.js").JobRequest) => unknown} generate */
export function startCompare(generate) {
  for (const axis of AXES) {
    byId(axis).addEventListener("input", () => {
      byId(`${axis}-values`).value = "";
      showValues(axis, [], keep);
      keep();
    });
    byId(`${axis}-values`).addEventListener("input", keep);
  }
  byId("compare").addEventListener("click", () => generate(gridOf));
  recall();
}
