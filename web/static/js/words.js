/** The words of a request: fields with their weights, what the model makes of them, prompts used before, and styles. */

import { getStyles } from "./api.js";
import { byId, el } from "./dom.js";
import { startField } from "./prompt/field.js";
import { startPast } from "./prompt/past.js";
import { startTokens } from "./prompt/tokens.js";

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
  startField("prompt", true);
  startField("negative_prompt", false);
  startPast();
  startTokens();
  showStyles().catch(() => {}); // none to choose from, and the header says that the service is away
}
