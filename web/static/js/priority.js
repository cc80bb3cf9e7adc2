/** Another priority for a job that waits: the browser's own list of choices under a flag, the same in a row and on a card. */

import { el, icon } from "./dom.js";
import { t } from "./i18n.js";

/** @typedef {import("./types.js").Priority} Priority */

export const PRIORITIES = /** @type {Record<Priority, string>} */ ({
  high: t("High priority"),
  normal: t("Normal priority"),
  low: t("Low priority"),
});

export class PriorityChoice {
  /** @param {"tool" | "quiet"} look  of the buttons that it stands among @param {(priority: Priority) => void} choose */
  constructor(look, choose) {
    const options = Object.entries(PRIORITIES).map(([value, text]) => el("option", { value, text }));
    this.select = el("select", { "aria-label": t("Priority"), autocomplete: "off", on: { change: () => choose(this.select.value) } }, ...options);
    this.said = el("span");
    this.node = el("span", { class: `${look} chooser` }, icon("flag"), this.said, this.select);
  }

  /** @param {import("./types.js").Job} job */
  update({ state, request }) {
    this.node.hidden = state !== "queued";
    const priority = /** @type {Priority} */ (request.priority ?? "normal");
    if (this.node.dataset.priority === priority && this.select.value === priority) return;
    this.select.value = priority;
    this.node.dataset.priority = priority;
    this.said.textContent = PRIORITIES[priority];
    this.node.title = PRIORITIES[priority];
  }
}
