/** A prompt's field: weights marked behind the words, and keys that change them. The field itself stays the browser's own. */

import { byId, el } from "../dom.js";
import { t } from "../i18n.js";
import { say } from "../progress.js";
import { reweigh, stretches } from "./weights.js";

const STEP = 0.1;

/**
 * Put a text in place of a part of a field's, as if it were typed: the browser's own undo takes it back.
 * @param {HTMLTextAreaElement} field @param {number} start @param {number} end @param {string} text
 */
export function type(field, start, end, text) {
  const { value } = field;
  if (value.slice(start, end) === text) return;
  field.focus();
  field.setSelectionRange(start, end);
  const typed = document.execCommand(text ? "insertText" : "delete", false, text); // nothing else reaches the undo stack
  if (typed || field.value !== value) return;
  field.setRangeText(text, start, end, "end");
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

/** How strong the mark of a weight is, 0 to 1. @param {number} weight */
const strength = (weight) => Math.min(1, 0.25 + Math.abs(weight - 1) * 0.75);

/** @param {import("./weights.js").Stretch} stretch @param {string} text */
function marked({ kind, weight, timed }, text) {
  const plain = kind === "text" && weight === 1 && !timed;
  if (plain) return text;
  const classes = [kind, timed ? "timed" : "", weight > 1 ? "more" : "", weight < 1 ? "less" : ""];
  const mark = el("span", { class: classes.filter(Boolean).join(" "), text });
  if (weight !== 1) mark.style.setProperty("--strength", strength(weight).toFixed(2));
  return mark;
}

/**
 * What stands behind a field shows its text once more, unseen, so that marks lie where the words are.
 * @param {HTMLTextAreaElement} field @param {HTMLElement} behind @param {boolean} composed
 */
function showWeights(field, behind, composed) {
  const scroll = () => behind.scrollTo({ top: field.scrollTop, behavior: "instant" });
  const draw = () => {
    const { value } = field;
    const inside = stretches(value, composed).map((stretch) => marked(stretch, value.slice(stretch.start, stretch.end)));
    behind.replaceChildren(...inside, "\u200b"); // a line break at the end has its line
    fit();
  };
  const fit = () => {
    behind.style.width = `${field.clientWidth}px`; // less a scroll bar
    scroll();
  };
  field.addEventListener("input", draw);
  field.addEventListener("scroll", scroll, { passive: true });
  new ResizeObserver(fit).observe(field);
  draw();
}

/** @param {HTMLTextAreaElement} field @param {KeyboardEvent} event @param {boolean} composed */
function onKey(field, event, composed) {
  const turned = event.key === "ArrowUp" || event.key === "ArrowDown";
  if (!turned || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  const by = event.key === "ArrowUp" ? STEP : -STEP;
  const change = reweigh(field.value, field.selectionStart, field.selectionEnd, by, composed);
  const grown = change ? field.value.length + change.text.length - (change.end - change.start) : 0;
  if (!change || (field.maxLength >= 0 && grown > field.maxLength)) return;
  type(field, change.start, change.end, change.text);
  field.setSelectionRange(...change.selected);
  say(t("Weight {weight}", { weight: change.weight }));
}

/** @param {string} id  of the field @param {boolean} composed  whether AND means something in it */
export function startField(id, composed) {
  const field = byId(id);
  showWeights(field, byId(`${id}-marks`), composed);
  field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => onKey(field, event, composed));
}
