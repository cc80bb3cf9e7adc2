/** What the model makes of the words: tokens under the prompt, and the styles there are. */

import { getStyles, getTokens } from "./api.js";
import { byId, el } from "./dom.js";
import { t, tn } from "./i18n.js";

const QUIET = 300; // ms without a keystroke

/** @param {import("./types.js").Tokens} tokens */
function say({ count, changes, parts }) {
  const chunks = parts.flatMap((part) => part.chunks);
  const told = [tn("{count} token", "{count} tokens", count)];
  if (parts.length > 1) told.push(tn("{count} prompt composed", "{count} prompts composed", parts.length));
  else if (chunks.length > 1) told.push(tn("{count} chunk", "{count} chunks", chunks.length));
  const left = chunks.at(-1)?.left ?? 0;
  told.push(chunks.length > 1 ? t("{left} left in the last", { left }) : t("{left} left", { left }));
  if (changes.length === 1) told.push(t("changes after step {step}", { step: changes[0] }));
  if (changes.length > 1) told.push(tn("changes {count} time", "changes {count} times", changes.length));
  return told.join(" · ");
}

function countTokens() {
  const prompt = byId("prompt");
  const line = byId("prompt-tokens");
  let timer = 0;
  let asking = new AbortController();
  const ask = async () => {
    asking.abort();
    asking = new AbortController();
    const steps = Math.max(1, Number(byId("steps").value) || 20);
    try {
      line.textContent = say(await getTokens(prompt.value, steps, asking.signal));
    } catch (error) {
      if (!(error instanceof DOMException)) line.textContent = "\u00a0"; // the service says what is wrong with itself
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

/** The styles of this installation; a draft's or a job's choice is kept. */
async function showStyles() {
  const select = byId("styles");
  const chosen = select.dataset.wanted ?? select.value;
  const styles = await getStyles();
  for (const { name, prompt } of styles) select.append(el("option", { value: name, text: name, "data-hint": prompt.replace("{prompt}", "…") }));
  select.value = styles.some(({ name }) => name === chosen) ? chosen : "";
  select.dispatchEvent(new Event("input", { bubbles: true }));
}

export function startWords() {
  countTokens();
  showStyles().catch(() => {}); // none to choose from, and the header says that the service is away
}
