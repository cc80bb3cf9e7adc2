/** Two pictures: side by side or one over the other, and in what they differ. */

import { getMetadata, persist } from "../api.js";
import { byId, el, toolButton } from "../dom.js";
import { t } from "../i18n.js";
import { slider } from "../slider.js";
import { apart, differences, restOf } from "./difference.js";
import { nameOf } from "./grid.js";
import { parameters } from "./told.js";

/** @typedef {import("../types.js").LibraryPicture} LibraryPicture */
/** @typedef {import("../types.js").Metadata} Metadata */

const MODE = "darkroom.library.compare";
const dialog = byId("compare");
/** @type {AbortController} */ let asking = new AbortController();

/** @param {LibraryPicture} first @param {LibraryPicture} second @param {(id: string) => void} open */
export async function compare(first, second, open) {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  draw(first, second, open);
  if (!dialog.open) dialog.showModal();
  try {
    const [one, other] = await persist(() => Promise.all([getMetadata(first.id), getMetadata(second.id)]), { signal });
    if (!signal.aborted) byId("compare-table").replaceChildren(...table(told(first, one), told(second, other)));
  } catch (error) {
    if (!signal.aborted) byId("compare-table").textContent = error instanceof Error ? error.message : String(error);
  }
}

export function startCompare() {
  dialog.addEventListener("close", () => asking.abort());
}

/** @param {LibraryPicture} first @param {LibraryPicture} second @param {(id: string) => void} open */
function draw(first, second, open) {
  const stage = el("div", { class: "compare-stage" });
  const show = (/** @type {string} */ mode) => {
    stage.classList.toggle("over", mode === "over");
    stage.replaceChildren(...(mode === "over" ? over(first, second) : [figure(first, "A", open), figure(second, "B", open)]));
    for (const each of modes.children) each.setAttribute("aria-pressed", String(each.dataset.mode === mode));
    localStorage.setItem(MODE, mode);
  };
  const modes = el(
    "div",
    { class: "segments", role: "group", "aria-label": t("How to compare") },
    ...[["beside", t("Side by side")], ["over", t("Slider")]].map(([mode, text]) => el("button", { type: "button", "data-mode": mode, text, on: { click: () => show(mode) } })),
  );
  const swap = toolButton("swap", t("Swap A and B"), () => compare(second, first, open));
  const head = el("div", { class: "compare-head" }, el("h2", { id: "compare-title", text: t("Compare") }), modes, swap, toolButton("close", t("Close"), () => dialog.close()));
  dialog.replaceChildren(head, stage, el("div", { class: "compare-table", id: "compare-table", role: "status" }, el("p", { class: "hint", text: t("Looking for what differs") })));
  show(localStorage.getItem(MODE) === "over" ? "over" : "beside");
}

/** @param {LibraryPicture} picture @param {string} letter @param {(id: string) => void} open */
function figure(picture, letter, open) {
  const go = (/** @type {MouseEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    dialog.close();
    open(picture.id);
  };
  return el("figure", {}, el("a", { href: `/library/${picture.id}`, title: t("Open picture {letter}", { letter }), on: { click: go } }, image(picture, letter), mark(letter)));
}

/** One over the other, both in the first one's frame. @param {LibraryPicture} first @param {LibraryPicture} second */
function over(first, second) {
  const node = slider(side(first, "A"), side(second, "B"), t("Where A ends and B begins"));
  node.style.setProperty("--ratio", String(first.width / first.height));
  return [el("div", { class: "compare-box" }, node)];
}

/** @param {LibraryPicture} picture @param {string} letter */
const side = (picture, letter) => ({ src: picture.url, alt: altOf(picture, letter), name: letter });

/** @param {LibraryPicture} picture @param {string} letter */
const altOf = (picture, letter) => t("Picture {letter}: {name}", { letter, name: nameOf(picture) });

/** @param {LibraryPicture} picture @param {string} letter */
function image(picture, letter) {
  const { url, width, height } = picture;
  const shown = el("img", { src: url, width, height, draggable: "false", alt: altOf(picture, letter) });
  shown.style.setProperty("--ratio", String(width / height));
  return shown;
}

/** @param {string} letter */
const mark = (letter) => el("span", { class: "slider-name", "aria-hidden": "true", text: letter });

/** All that is told of a picture. @param {LibraryPicture} picture @param {Metadata} metadata @returns {import("./difference.js").Pairs} */
function told(picture, metadata) {
  const { request } = metadata;
  const words = /** @type {import("./difference.js").Pairs} */ ([[t("Prompt"), picture.prompt], [t("Negative prompt"), picture.negative_prompt]]);
  return [...words, ...parameters(picture, metadata), ...(request ? restOf(request) : [])];
}

/** @param {import("./difference.js").Pairs} first @param {import("./difference.js").Pairs} second */
function table(first, second) {
  const rows = differences(first, second);
  if (!rows.length) return [el("p", { class: "hint", text: t("Nothing that is known of them differs.") })];
  const cell = (/** @type {string} */ text, /** @type {string} */ other) => {
    const runs = text && other ? apart(text, other) : [{ text, own: false }];
    return el("td", {}, ...runs.map((run) => (run.own ? el("mark", { text: run.text }) : run.text)));
  };
  const head = el("tr", {}, el("th", { scope: "col", text: t("What differs") }), ...["A", "B"].map((letter) => el("th", { scope: "col", text: letter })));
  const body = rows.map((row) => el("tr", {}, el("th", { scope: "row", text: row.name }), cell(row.first, row.second), cell(row.second, row.first)));
  return [el("table", {}, el("thead", {}, head), el("tbody", {}, ...body))];
}
