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
  "darkroom.compare": t("Settings that are compared"),
  "darkroom.library.compare": t("How two pictures are compared"),
  "darkroom.library.size": t("Size of the pictures"),
});
const NOTHING = new Set(["", "{}", "[]", "null"]);
const TAB = "darkroom.tab"; // names this tab in the database, and tells nothing
const DATABASE = "darkroom"; // of the canvas: js/canvas/keeping.js

/** @typedef {{label: string, size: string, remove: () => unknown}} Kept */

/** @returns {Kept[]} */
function texts() {
  return [localStorage, sessionStorage].flatMap((store) =>
    Object.keys(store)
      .filter((name) => name.startsWith(OURS) && name !== TAB && !NOTHING.has(store.getItem(name) ?? ""))
      .map((name) => ({
        label: NAMES[name] ?? name.slice(OURS.length),
        size: t("{size} kB", { size: number((store.getItem(name)?.length ?? 0) / 1000, 1) }),
        remove: () => store.removeItem(name),
      })),
  );
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const answer = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @returns {Promise<Kept[]>} */
async function canvases() {
  if (!(await indexedDB.databases()).some(({ name }) => name === DATABASE)) return [];
  const database = await answer(indexedDB.open(DATABASE));
  const stores = [...database.objectStoreNames];
  const counts = await Promise.all(stores.map((name) => answer(database.transaction(name).objectStore(name).count())));
  database.close();
  if (!counts.some(Boolean)) return [];
  return [{ label: t("What is on the canvas, for a day"), size: "", remove: () => answer(indexedDB.deleteDatabase(DATABASE)) }];
}

export async function showKept() {
  const all = [...texts(), ...(await canvases().catch(() => []))]; // a browser that keeps nothing has nothing to show
  byId("kept-none").hidden = all.length > 0;
  byId("kept-list").replaceChildren(...all.map(row));
}

/** @param {Kept} kept */
function row({ label, size, remove }) {
  const clear = textButton("trash", t("Delete"));
  clear.title = t("Delete: {what}", { what: label });
  clear.setAttribute("aria-label", clear.title);
  const act = async () => {
    await remove();
    await showKept();
    byId("kept-title").focus();
  };
  return el("li", {}, el("span", { text: label }), el("span", { class: "hint", text: size }), confirming(clear, act));
}
