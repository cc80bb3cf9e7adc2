/** How the model cuts the prompt: tokens counted, and a bar for each chunk that says how full it is and with which words. */

import { getTokens } from "../api.js";
import { byId, el } from "../dom.js";
import { t, tn } from "../i18n.js";

const QUIET = 300; // ms without a keystroke
const prompt = byId("prompt");
const bars = byId("prompt-chunks");

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

/** @param {Chunk} chunk @param {number} at @param {number} all @param {string[]} drawn */
function bar(chunk, at, all, drawn) {
  const used = chunk.tokens.length;
  const most = used + chunk.left;
  const [before, words] = reach(chunk, drawn);
  const title = all > 1 ? t("Chunk {number} of {all}: {used} of {most} tokens", { number: at + 1, all, used, most }) : t("{used} of {most} tokens", { used, most });
  const note = el("span", { class: "chunk-note", id: `chunk-${at}` }, el("b", { text: title }), el("span", { text: words.trim() }));
  const fill = el("span", { class: "chunk-fill" });
  fill.style.setProperty("--full", String(used / most));
  const select = () => {
    if (prompt.value !== drawn.join("")) return; // choices are drawn: it stands otherwise in the field
    prompt.focus();
    prompt.setSelectionRange(before.length, before.length + words.length);
  };
  const button = el("button", { type: "button", "aria-label": title, "aria-describedby": `chunk-${at}`, on: { click: select } }, fill);
  button.classList.toggle("full", chunk.left === 0);
  return el("li", {}, button, note);
}

/** @param {Tokens} tokens */
function show(tokens) {
  byId("prompt-tokens").textContent = told(tokens);
  const drawn = [...tokens.drawn];
  const chunks = tokens.parts.flatMap((part) => part.chunks);
  const focused = [...bars.children].findIndex((each) => each.contains(document.activeElement));
  bars.replaceChildren(...chunks.map((chunk, at) => bar(chunk, at, chunks.length, drawn)));
  bars.children[Math.min(focused, bars.children.length - 1)]?.querySelector("button")?.focus();
}

export function startTokens() {
  let timer = 0;
  let asking = new AbortController();
  const ask = async () => {
    asking.abort();
    asking = new AbortController();
    const steps = Math.max(1, Number(byId("steps").value) || 20);
    try {
      show(await getTokens(prompt.value, steps, asking.signal));
    } catch (error) {
      if (error instanceof DOMException) return;
      byId("prompt-tokens").textContent = "\u00a0"; // the service says what is wrong with itself
      bars.replaceChildren();
    }
  };
  for (const each of [prompt, byId("steps")]) {
    each.addEventListener("input", () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(ask, QUIET);
    });
  }
  ask();
}
