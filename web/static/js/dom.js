/** Small helpers around the DOM. Text goes in as text nodes only, never as markup. */

import { t } from "./i18n.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * The element with this id, which the template promises.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Make an element. `on` holds listeners, `text` its text; everything else is an attribute, left out when null or false.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") for (const [type, listener] of Object.entries(value)) node.addEventListener(type, listener);
    else if (name === "text") node.textContent = value;
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, String(value));
  }
  node.append(...children);
  return node;
}

/** @param {string} name  one of the symbols in icons.html */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/**
 * A square button with an icon and a name; the name is shown where there is room (css).
 * @param {string} glyph @param {string} label @param {(event: Event) => void} [action]
 */
export function toolButton(glyph, label, action = () => {}) {
  return el(
    "button",
    { type: "button", class: "tool", "aria-label": label, title: label, on: { click: action } },
    icon(glyph),
    el("span", { text: label }),
  );
}

/** A button with an icon and words. @param {string} glyph @param {string} label @param {() => void} [action] */
export function textButton(glyph, label, action = () => {}) {
  return el("button", { type: "button", class: "quiet", title: label, on: { click: action } }, icon(glyph), el("span", { text: label }));
}

/** Another icon and other words on a button, which keeps the focus. @param {HTMLElement} button @param {string} glyph @param {string} label */
export function relabel(button, glyph, label) {
  if (button.title === label) return;
  button.title = label;
  if (button.hasAttribute("aria-label")) button.setAttribute("aria-label", label);
  button.replaceChildren(icon(glyph), el("span", { text: label }));
}

/**
 * A button that asks once more before it does what cannot be undone: the second click within three seconds counts.
 * @param {HTMLButtonElement} button @param {() => void} action
 */
export function confirming(button, action) {
  const { title } = button;
  let timer = 0;
  const calm = () => {
    window.clearTimeout(timer);
    timer = 0;
    button.classList.remove("sure");
    button.title = title;
    button.setAttribute("aria-label", title);
  };
  button.addEventListener("blur", calm);
  button.addEventListener("click", () => {
    if (timer) {
      calm();
      action();
      return;
    }
    timer = window.setTimeout(calm, 3000);
    button.classList.add("sure");
    button.title = t("{action}? Press again to do it", { action: title });
    button.setAttribute("aria-label", button.title);
  });
  return button;
}
