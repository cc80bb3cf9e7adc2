/** Prompts that were used before: a list behind a button, and from one to the next by Alt with the arrow keys. */

import { byId, el } from "../dom.js";
import { t } from "../i18n.js";
import { say } from "../progress.js";
import { type } from "./field.js";
import { forget, prompts } from "./history.js";

const prompt = byId("prompt");
const button = byId("history-button");
const panel = byId("history");
const list = byId("history-list");

let active = 0; // in the list
let walked = -1; // how far back one has walked by keys; -1 = what was being typed
let typed = ""; // what was being typed then
let walking = false;

/** @param {string} text */
function put(text) {
  walking = true;
  type(prompt, 0, prompt.value.length, text);
  walking = false;
}

/** @param {number} by  1 = an older one */
function walk(by) {
  const past = prompts();
  if (walked < 0) typed = prompt.value;
  const skipped = walked < 0 && by > 0 && past[0] === typed ? 1 : 0; // the newest one stands there already
  const to = Math.max(-1, walked + by + skipped);
  if (to >= past.length || to === walked) return;
  walked = to;
  put(to < 0 ? typed : past[to]);
  say(to < 0 ? t("What you were typing") : t("Prompt {number} of {all}", { number: to + 1, all: past.length }));
}

/** @param {number} to */
function activate(to) {
  const options = [...list.children];
  active = Math.max(0, Math.min(to, options.length - 1));
  for (const [at, option] of options.entries()) option.setAttribute("aria-selected", String(at === active));
  const chosen = options[active];
  if (!chosen) return list.removeAttribute("aria-activedescendant");
  list.setAttribute("aria-activedescendant", chosen.id);
  return chosen.scrollIntoView({ block: "nearest" });
}

/** @param {string} text */
function choose(text) {
  panel.hidePopover();
  put(text);
  walked = -1;
}

function draw() {
  const past = prompts();
  list.replaceChildren(
    ...past.map((text, at) => el("li", { role: "option", id: `history-${at}`, "aria-selected": "false", text, on: { click: () => choose(text) } })),
  );
  byId("history-none").hidden = past.length > 0;
  list.hidden = byId("history-clear").hidden = past.length === 0;
  activate(0);
}

/** Over the field. */
function place() {
  const { left, top, width } = prompt.getBoundingClientRect();
  panel.style.width = `${width}px`;
  panel.style.left = `${left}px`;
  panel.style.top = `${top}px`;
}

/** @param {KeyboardEvent} event */
function onListKey(event) {
  const past = prompts();
  const steps = /** @type {Record<string, number>} */ ({ ArrowDown: active + 1, ArrowUp: active - 1, Home: 0, End: past.length - 1 });
  if (event.key in steps) activate(steps[event.key]);
  else if ((event.key === "Enter" || event.key === " ") && past[active] !== undefined) choose(past[active]);
  else return;
  event.preventDefault();
  event.stopPropagation(); // Ctrl + Enter is another's
}

export function startPast() {
  panel.addEventListener("beforetoggle", (/** @type {ToggleEvent} */ event) => {
    if (event.newState !== "open") return;
    draw();
    place();
  });
  panel.addEventListener("toggle", (/** @type {ToggleEvent} */ event) => {
    const open = event.newState === "open";
    button.setAttribute("aria-expanded", String(open));
    if (open) (list.hidden ? panel : list).focus();
  });
  panel.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation(); // it closes this, and cancels no job
    panel.hidePopover();
    button.focus();
  });
  list.addEventListener("keydown", onListKey);
  byId("history-clear").addEventListener("click", () => {
    forget();
    draw();
    panel.focus();
    say(t("The prompts are forgotten"));
  });
  prompt.addEventListener("input", () => {
    if (!walking) walked = -1;
  });
  prompt.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!by || !event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    walk(by);
  });
}
