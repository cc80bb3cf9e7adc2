/** Shows what went wrong: beside the field it is about, and in one summary above the button. */

import { Problem } from "./api.js";
import { byId, el } from "./dom.js";
import { t } from "./i18n.js";

const summary = byId("problem");

/** @typedef {{name: string, message: string}} Complaint */

export function clearErrors() {
  summary.hidden = true;
  summary.replaceChildren();
  for (const place of document.querySelectorAll(".field-error")) {
    place.textContent = "";
    /** @type {HTMLElement} */ (place).hidden = true;
  }
  for (const field of document.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

/**
 * Show whatever was thrown. `field`: the one it is about when it names none.
 * @param {unknown} error @param {string} [field]
 */
export function showError(error, field) {
  if (error instanceof DOMException && error.name === "AbortError") return;
  const message = error instanceof Error ? error.message : String(error);
  const named = error instanceof Problem ? complaintsOf(error) : [];
  const complaints = named.length || !field ? named : [{ name: field, message }];
  showComplaints(complaints, complaints.length ? "" : message);
}

/** @param {Problem} problem @returns {Complaint[]} */
function complaintsOf(problem) {
  return problem.errors.flatMap(({ loc, msg }) => {
    const names = [...loc, loc.slice(1).join(".")]; // ["body", "extend", "left"]: `extend.left`, else what is in it
    const name = names.findLast((part) => typeof part === "string" && document.getElementById(`${part}-error`));
    return name === undefined ? [] : [{ name: String(name), message: msg }];
  });
}

/**
 * @param {Complaint[]} complaints @param {string} [general] said when no field is at fault
 */
export function showComplaints(complaints, general = "") {
  clearErrors();
  for (const { name, message } of complaints) {
    const place = byId(`${name}-error`);
    place.textContent = sentence(message);
    place.hidden = false;
    document.getElementById(name)?.setAttribute("aria-invalid", "true");
  }
  const lines = complaints.map(({ name, message }) =>
    el("button", { type: "button", text: t("{field}: {message}", { field: labelOf(name), message }), on: { click: () => goTo(name) } }),
  );
  if (general) lines.push(el("p", { text: general }));
  summary.replaceChildren(...lines);
  summary.hidden = lines.length === 0;
  if (complaints.length) goTo(complaints[0].name);
}

/** @param {string} name */
function goTo(name) {
  const place = byId(`${name}-error`);
  const details = place.closest("details");
  if (details) details.open = true;
  if (place.closest("#settings")) openSettings();
  place.scrollIntoView({ block: "nearest" });
  document.getElementById(name)?.focus({ preventScroll: true });
}

/** On a narrow screen the settings are folded away. */
function openSettings() {
  const toggle = byId("settings-toggle");
  if (toggle.getAttribute("aria-expanded") === "false") toggle.click();
}

/** @param {string} name */
function labelOf(name) {
  const label = document.querySelector(`label[for="${name}"]`)?.childNodes[0]?.textContent?.trim();
  return label || name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
}

/** The server's messages begin in the middle of a sentence: "must be a finite number". @param {string} text */
function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
