/** How the model cuts a prompt: tokens counted, and a bar for each chunk that says how full it is and with which words. */

import { getTokens } from "../api.js";
import { byId, el } from "../dom.js";
import { t, tn } from "../i18n.js";

const QUIET = 300; // ms without a keystroke

/** @typedef {import("../types.js").Tokens} Tokens */
/** @typedef {Tokens["parts"][number]["chunks"][number]} Chunk */

/** @param {Tokens} tokens */
function told({ count, changes, parts }) {
  const chunks = parts.flatMap((part) => part.chunks);
  const said = [tn("{count} token", "{count} tokens", count)];
  if (parts.length > 1) said.push(tn("{count} prompt composed", "{count} prompts composed", parts.length));
  else if (chunks.length > 1) said.push(tn("{count} chunk", "{count} chunks", chunks.length));
  const left = chunks.at(-1)?.left ?? 0;
  said.push(chunks.length > 1 ? t("{left} left in the last", { left }) : t("{left} left", { left }));
  if (changes.length === 1) said.push(t("changes after step {step}", { step: changes[0] }));
  if (changes.length > 1) said.push(tn("changes {count} time", "changes {count} times", changes.length));
  return said.join(" · ");
}

/** The characters that a chunk reaches over; positions count whole characters. @param {Chunk} chunk @param {string[]} drawn @returns {[string, string]} what is before, and it itself */
function reach({ tokens }, drawn) {
  const start = Math.min(...tokens.map((token) => token.start));
  const end = Math.max(...tokens.map((token) => token.end));
  return tokens.length ? [drawn.slice(0, start).join(""), drawn.slice(start, end).join("")] : ["", ""];
}

/** What stands under one field. */
class Count {
  #timer = 0;
  #asking = new AbortController();

  /** @param {string} id  of the field @param {boolean} negative */
  constructor(id, negative) {
    this.id = id;
    this.negative = negative;
    this.field = byId(id);
    this.place = byId(`${id}-told`);
    this.bars = byId(`${id}-chunks`);
    this.line = byId(`${id}-tokens`);
    for (const each of [this.field, byId("steps")]) each.addEventListener("input", () => this.#soon());
    this.#fold();
    this.#ask();
  }

  #soon() {
    this.#fold();
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#ask(), QUIET);
  }

  /** A negative prompt is mostly none: then nothing is said of it. */
  #fold() {
    this.place.hidden = this.negative && !this.field.value;
  }

  async #ask() {
    this.#asking.abort();
    this.#asking = new AbortController();
    if (this.place.hidden) return;
    const steps = Math.max(1, Number(byId("steps").value) || 20);
    try {
      this.#show(await getTokens({ prompt: this.field.value, steps, negative: this.negative }, this.#asking.signal));
    } catch (error) {
      if (error instanceof DOMException) return;
      this.line.textContent = "\u00a0"; // the service says what is wrong with itself
      this.bars.replaceChildren();
    }
  }

  /** @param {Tokens} tokens */
  #show(tokens) {
    this.line.textContent = told(tokens);
    const drawn = [...tokens.drawn];
    const chunks = tokens.parts.flatMap((part) => part.chunks);
    const focused = [...this.bars.children].findIndex((each) => each.contains(document.activeElement));
    this.bars.replaceChildren(...chunks.map((chunk, at) => this.#bar(chunk, at, chunks.length, drawn)));
    this.bars.children[Math.min(focused, this.bars.children.length - 1)]?.querySelector("button")?.focus();
  }

  /** @param {Chunk} chunk @param {number} at @param {number} all @param {string[]} drawn */
  #bar(chunk, at, all, drawn) {
    const used = chunk.tokens.length;
    const most = used + chunk.left;
    const [before, words] = reach(chunk, drawn);
    const title = all > 1 ? t("Chunk {number} of {all}: {used} of {most} tokens", { number: at + 1, all, used, most }) : t("{used} of {most} tokens", { used, most });
    const id = `${this.id}-chunk-${at}`;
    const note = el("span", { class: "chunk-note", id }, el("b", { text: title }), el("span", { text: words.trim() }));
    const fill = el("span", { class: "chunk-fill" });
    fill.style.setProperty("--full", String(used / most));
    const select = () => {
      if (this.field.value !== drawn.join("")) return; // choices are drawn: it stands otherwise in the field
      this.field.focus();
      this.field.setSelectionRange(before.length, before.length + words.length);
    };
    const button = el("button", { type: "button", "aria-label": title, "aria-describedby": id, on: { click: select } }, fill);
    button.classList.toggle("full", chunk.left === 0);
    return el("li", {}, button, note);
  }
}

export function startTokens() {
  new Count("prompt", false);
  new Count("negative_prompt", true);
}
