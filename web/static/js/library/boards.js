/** The boards there are, with their pictures counted: a press shows one, and pictures are put on it by dropping them there. */

import { getLabels, persist } from "../api.js";
import { byId, el, icon } from "../dom.js";
import { number } from "../format.js";
import { t, tn } from "../i18n.js";

const strip = byId("boards-strip");

/**
 * @typedef {object} Doing
 * @property {(board: string) => void} show   "" = the pictures of all boards, and of none
 * @property {() => void} make   the chosen pictures come onto a new one
 * @property {(labels: import("../types.js").Labels) => void} learn
 */

export class Boards {
  /** @type {import("../types.js").Label[]} */ #boards = [];
  #shown = "";
  #asking = new AbortController();

  /** @param {Doing} doing */
  constructor(doing) {
    this.doing = doing;
  }

  /** Count anew: the last who asks is told. */
  async refresh() {
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    const labels = await persist(() => getLabels(signal), { signal }).catch(() => null); // the list says what is wrong
    if (!labels) return;
    this.#boards = labels.boards;
    this.doing.learn(labels);
    this.#draw();
  }

  /** @param {string} board  that the list is of; "" = any */
  mark(board) {
    if (this.#shown === board) return;
    this.#shown = board;
    this.#draw();
  }

  #draw() {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.board;
    const chips = this.#boards.map(({ name, pictures }) => {
      const pressed = name === this.#shown;
      const chip = el(
        "button",
        {
          type: "button", class: "chip", "aria-pressed": String(pressed), "data-board": name,
          title: tn("Board {board}, {count} picture", "Board {board}, {count} pictures", pictures, { board: name }),
          on: { click: () => this.doing.show(pressed ? "" : name) },
        },
        icon("board"),
        el("span", { class: "chip-name", text: name }),
        " ",
        el("b", { text: number(pictures) }),
      );
      return chip;
    });
    const make = el("button", { type: "button", class: "chip make", "data-board": "", on: { click: () => this.doing.make() } }, icon("plus"), t("New board"));
    strip.replaceChildren(...chips, make);
    if (focused !== undefined) /** @type {HTMLElement | null} */ (strip.querySelector(`[data-board="${CSS.escape(focused)}"]`))?.focus();
  }
}
