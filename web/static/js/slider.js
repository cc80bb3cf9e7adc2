/** Two pictures on one spot and a line between them, which pointer and arrow keys move. */

import { el, icon } from "./dom.js";

/** @typedef {{src: string, alt: string, name: string}} Side  `name`: shown in its corner */

/**
 * One is seen left of the line, the other right of it. How large the whole is, its user's style says.
 * @param {Side} left @param {Side} right @param {string} label  of the line, for a screen reader
 * @returns {HTMLElement}
 */
export function slider(left, right, label) {
  const line = el("input", { type: "range", min: 0, max: 100, step: 0.5, value: 50, "aria-label": label, autocomplete: "off" });
  const node = el(
    "div",
    { class: "slider" },
    el("img", { class: "slider-left", src: left.src, alt: left.alt, draggable: "false" }),
    el("img", { class: "slider-right", src: right.src, alt: right.alt, draggable: "false" }),
    el("span", { class: "slider-line", "aria-hidden": "true" }, icon("slide")),
    ...[left, right].map(({ name }) => el("span", { class: "slider-name", "aria-hidden": "true", text: name })),
    line,
  );
  line.addEventListener("input", () => node.style.setProperty("--split", String(line.value / 100)));
  return node;
}
