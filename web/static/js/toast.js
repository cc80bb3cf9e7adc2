/** Short messages at the foot of the page; what was done can be undone from there for a while. */

import { byId, el, icon } from "./dom.js";
import { t } from "./i18n.js";

const place = byId("toasts");
const STAYS = 6000; // ms
/** @type {{node: HTMLElement, undo: () => void}[]} */ const undoable = [];

/** @param {HTMLElement} node */
function leave(node) {
  node.remove();
  const at = undoable.findIndex((each) => each.node === node);
  if (at >= 0) undoable.splice(at, 1);
}

/**
 * @param {string} text
 * @param {{undo?: () => void, link?: {text: string, href: string}, stays?: number, bad?: boolean}} [more]  stays: ms
 */
export function toast(text, { undo, link, stays = STAYS, bad = false } = {}) {
  const node = el("div", { class: bad ? "toast bad" : "toast" }, el("p", { text }));
  if (link) node.append(el("a", { href: link.href, text: link.text }));
  if (undo) {
    const back = () => {
      leave(node);
      undo();
    };
    node.append(el("button", { type: "button", class: "quiet undo", text: t("Undo"), title: t("Undo (Ctrl + Z)"), on: { click: back } }));
    undoable.push({ node, undo: back });
  }
  node.append(el("button", { type: "button", class: "tool", "aria-label": t("Dismiss"), title: t("Dismiss"), on: { click: () => leave(node) } }, icon("close")));
  place.append(node);
  while (place.children.length > 3) leave(place.firstElementChild);
  window.setTimeout(() => leave(node), stays);
}

/** @param {unknown} error */
export function complain(error) {
  if (error instanceof DOMException && error.name === "AbortError") return;
  toast(error instanceof Error ? error.message : String(error), { bad: true });
}

/** Undo what was done last, if it still can be. */
export function undoLast() {
  undoable.at(-1)?.undo();
}
