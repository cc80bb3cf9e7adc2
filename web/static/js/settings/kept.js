/** What this browser keeps of the pages, and a way to be rid of each. */

import { byId, confirming, el, textButton } from "../dom.js";
import { number } from "../format.js";
import { t } from "../i18n.js";

const OURS = "darkroom.";
const NAMES = /** @type {Record<string, string>} */ ({
  "darkroom.draft": t("What stands in the form"),
  "darkroom.carried": t("Settings that are taken along"),
  "darkroom.history": t("Prompts that were used"),
  "darkroom.hand": t("Settings on their way from the library"),
});

/** @returns {{name: string, store: Storage}[]} */
function all() {
  return [localStorage, sessionStorage].flatMap((store) =>
    Object.keys(store).filter((name) => name.startsWith(OURS)).map((name) => ({ name, store })),
  );
}

export function showKept() {
  const found = all();
  byId("kept-none").hidden = found.length > 0;
  byId("kept-list").replaceChildren(...found.map(({ name, store }) => row(name, store)));
}

/** @param {string} name @param {Storage} store */
function row(name, store) {
  const label = NAMES[name] ?? name.slice(OURS.length);
  const letters = store.getItem(name)?.length ?? 0;
  const clear = textButton("trash", t("Delete"), () => {});
  clear.title = t("Delete: {what}", { what: label });
  clear.setAttribute("aria-label", clear.title);
  return el(
    "li",
    {},
    el("span", { text: label }),
    el("span", { class: "hint", text: t("{size} kB", { size: number(letters / 1000, 1) }) }),
    confirming(clear, () => {
      store.removeItem(name);
      showKept();
      byId("kept-title").focus();
    }),
  );
}
