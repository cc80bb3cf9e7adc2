/** The rows of the page's lists. A job keeps its row, in whichever list it is, and who has the focus keeps it. */

import { glide } from "../glide.js";
import { Row } from "./row.js";

/** @typedef {import("../types.js").Job} Job */

export class Rows {
  /** @type {Map<string, Row>} */ #rows = new Map();
  /** The job whose row Tab comes to. */ current = "";

  /** @param {import("./actions.js").Actions} actions */
  constructor(actions) {
    this.actions = actions;
  }

  /** Every row that is shown, from the top. */
  get all() {
    return /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".rows > .row")]);
  }

  /** @param {string} id */
  get(id) {
    return this.#rows.get(id);
  }

  /**
   * Show these jobs in these lists.
   * @param {{list: HTMLElement, jobs: Job[]}[]} lists @param {import("./row.js").Around} around
   */
  show(lists, around) {
    const focus = holdFocus(this.all);
    const shown = lists.map(({ list, jobs }) => ({ list, nodes: jobs.map((job) => this.#row(job, around).node) }));
    const stay = new Set(shown.flatMap(({ nodes }) => nodes));
    for (const [id, row] of this.#rows) if (!stay.has(row.node)) this.#rows.delete(id);
    const act = () => shown.forEach(({ list, nodes }) => arrange(list, nodes));
    if (shown.some(({ list, nodes }) => isOtherOrder(list, nodes))) glide(this.all, act);
    else act();
    focus(this.all);
    this.#tabTo(this.current);
  }

  /** @param {Job} job @param {import("./row.js").Around} around */
  #row(job, around) {
    const row = this.#rows.get(job.id) ?? new Row(job, this.actions);
    this.#rows.set(job.id, row);
    row.update(job, around);
    return row;
  }

  /** Of all rows Tab comes to one; arrow keys go on from there. @param {string} id */
  #tabTo(id) {
    const { all } = this;
    const chosen = all.find((node) => node.dataset.jobId === id) ?? all[0];
    this.current = chosen?.dataset.jobId ?? "";
    for (const node of all) node.tabIndex = node === chosen ? 0 : -1;
  }

  /** Put the focus on a row. @param {HTMLElement | undefined} node */
  goTo(node) {
    if (!node) return;
    this.#tabTo(node.dataset.jobId ?? "");
    node.focus();
  }
}

/** @param {HTMLElement} list @param {HTMLElement[]} nodes */
function isOtherOrder(list, nodes) {
  const here = new Set(list.children);
  const before = [...list.children].filter((child) => nodes.includes(/** @type {HTMLElement} */ (child)));
  const after = nodes.filter((node) => here.has(node));
  return after.some((node, at) => node !== before[at]) || list.children.length > before.length;
}

/**
 * Put elements into a list in this order, and take the others out. The one that has the focus is not moved, since it
 * would lose it: the others go where they belong around it.
 * @param {HTMLElement} list @param {HTMLElement[]} nodes
 */
export function arrange(list, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...list.children]) if (!wanted.has(/** @type {HTMLElement} */ (child))) child.remove();
  if (!nodes.length) return;
  const held = nodes.findIndex((node) => node.parentElement === list && node.contains(document.activeElement));
  const pivot = Math.max(0, held);
  if (held < 0 && list.firstElementChild !== nodes[0]) list.prepend(nodes[0]);
  for (let at = pivot - 1; at >= 0; at -= 1) if (nodes[at].nextElementSibling !== nodes[at + 1]) nodes[at + 1].before(nodes[at]);
  for (let at = pivot + 1; at < nodes.length; at += 1) if (nodes[at].previousElementSibling !== nodes[at - 1]) nodes[at - 1].after(nodes[at]);
}

/**
 * Remember where the focus is; the answer puts it back there: on the same control, else on its row, else on the row that
 * is now in its place.
 * @param {HTMLElement[]} before
 */
function holdFocus(before) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  const at = before.findIndex((node) => node.contains(focused));
  return (/** @type {HTMLElement[]} */ after) => {
    if (at < 0 || !focused || (document.activeElement === focused && focused.offsetParent)) return;
    const row = before[at].isConnected ? before[at] : after[Math.min(at, after.length - 1)];
    const same = row === before[at] && focused.offsetParent ? focused : row;
    same?.focus({ preventScroll: true });
  };
}
