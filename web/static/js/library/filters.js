/** Search, filters and order: what is set shows as chips, and whoever listens hears of every change. */

import { byId, el, icon } from "../dom.js";
import { labelOf } from "../format.js";
import { locale, t, tn } from "../i18n.js";
import { nameOfKind } from "../kinds.js";
import { EVERYTHING, isNarrow } from "./query.js";

/** @typedef {import("./query.js").Query} Query */

const QUIET = 200; // ms without a keystroke
const KINDS = /** @type {const} */ (["txt2img", "img2img", "inpaint", "grid", "upscale", "upload"]);
const ENTRIES = /** @type {const} */ (["model", "sampler", "role", "seed", "board", "width", "height", "since", "until"]);
const quick = byId("quick");

let query = EVERYTHING;
/** @type {(query: Query, typing: boolean) => void} */ let tell = () => {};

/** @param {Partial<Query>} changes @param {boolean} [typing]  one letter of many */
function set(changes, typing = false) {
  showQuery({ ...query, ...changes });
  tell(query, typing);
}

/** What a filter says on its chip. @type {Record<(typeof ENTRIES)[number], (value: string) => string>} */
const WORDS = {
  model: (value) => labelOf("model", value),
  sampler: (value) => labelOf("sampler", value),
  role: (value) => labelOf("role", value),
  seed: (value) => t("seed {seed}", { seed: value }),
  board: (value) => t("board {board}", { board: value }),
  width: (value) => t("{pixels} wide", { pixels: value }),
  height: (value) => t("{pixels} high", { pixels: value }),
  since: (value) => t("from {day}", { day: dayOf(value) }),
  until: (value) => t("to {day}", { day: dayOf(value) }),
};

/** @param {string} day */
function dayOf(day) {
  const at = new Date(`${day}T12:00`);
  return Number.isNaN(at.getTime()) ? day : at.toLocaleDateString(locale, { dateStyle: "medium" });
}

/** @param {string} text @param {boolean} pressed @param {() => void} press @param {string} [glyph] */
function switchChip(text, pressed, press, glyph) {
  const chip = el("button", { type: "button", class: "chip", "aria-pressed": String(pressed), "data-key": text, on: { click: press } });
  if (glyph) chip.append(icon(glyph));
  chip.append(text);
  return chip;
}

/** @param {string} text @param {Partial<Query>} without */
function removableChip(text, without) {
  const label = t("Remove: {filter}", { filter: text });
  const chip = el("button", { type: "button", class: "chip set", title: label, "aria-label": label, "data-key": text, on: { click: () => set(without) } });
  chip.append(text, icon("close"));
  return chip;
}

/** Show what is asked for, without telling anybody. @param {Query} asked */
export function showQuery(asked) {
  query = asked;
  const search = byId("q");
  if (search.value !== query.q && document.activeElement !== search) search.value = query.q;
  byId("sort").value = query.sort;
  for (const name of ENTRIES) if (document.activeElement !== byId(name)) write(name, query[name]);
  const set = ENTRIES.filter((name) => query[name]);
  const count = set.length + query.tag.length;
  byId("filter-count").hidden = !count;
  byId("filter-count").textContent = String(count);
  byId("filter").setAttribute("aria-label", count ? tn("Filter, {count} filter set", "Filter, {count} filters set", count) : t("Filter"));
  byId("clear-filters").disabled = !isNarrow(query);
  showChips(set);
}

/** @param {string} name @param {string} value */
function write(name, value) {
  const control = byId(name);
  control.dataset.wanted = value; // a model's name may come later
  control.value = value;
}

/** @param {readonly (typeof ENTRIES)[number][]} set  those that are not empty */
function showChips(set) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.key;
  const chips = [
    switchChip(t("Favourites"), query.favourite === "true", () => change({ favourite: query.favourite ? "" : "true" }), "heart"),
    ...KINDS.map((kind) => switchChip(nameOfKind(kind), query.kind === kind, () => change({ kind: query.kind === kind ? "" : kind }))),
  ];
  const removable = [
    ...set.map((name) => removableChip(WORDS[name](query[name]), { [name]: "" })),
    ...query.tag.map((tag) => removableChip(t("tag {tag}", { tag }), { tag: query.tag.filter((other) => other !== tag) })),
  ];
  quick.replaceChildren(...removable, ...chips);
  if (focused) /** @type {HTMLElement | null} */ (quick.querySelector(`[data-key="${CSS.escape(focused)}"]`))?.focus();
}

/** @param {Partial<Query>} changes */
const change = (changes) => set(changes);

/** @param {Partial<Query>} changes */
export function setFilter(changes) {
  set(changes);
}

/** Everything again; the order stays. */
export function clearFilters() {
  byId("q").value = "";
  set({ ...EVERYTHING, sort: query.sort });
}

/** The boards and tags of pictures, as far as they are not known. @param {import("../types.js").LibraryPicture[]} pictures */
export function learn(pictures) {
  suggest(pictures.flatMap(({ board }) => board ?? []), pictures.flatMap(({ tags }) => tags));
}

/** Names for boards and tags to be typed. @param {string[]} boards @param {string[]} tags */
export function suggest(boards, tags) {
  for (const [id, names] of /** @type {[string, string[]][]} */ ([["boards", boards], ["tags", tags]])) {
    const list = byId(id);
    const known = new Set([...list.children].map((each) => each.value));
    for (const name of new Set(names)) if (!known.has(name)) list.append(el("option", { value: name }));
  }
}

/** @param {{name: string, label: string}[]} models */
export function showModels(models) {
  byId("model").append(...models.map(({ name, label }) => el("option", { value: name, text: label })));
  showQuery(query);
}

/** @param {(query: Query, typing: boolean) => void} listener */
export function startFilters(listener) {
  tell = listener;
  let timer = 0;
  byId("q").addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => set({ q: byId("q").value.trim() }, true), QUIET);
  });
  byId("find").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    byId("grid").focus();
  });
  byId("sort").addEventListener("change", () => set({ sort: byId("sort").value }));
  for (const name of ENTRIES) byId(name).addEventListener("change", () => set({ [name]: byId(name).value.trim() }));
  byId("tag").addEventListener("change", () => {
    const tag = byId("tag").value.trim();
    byId("tag").value = "";
    if (tag && !query.tag.includes(tag)) set({ tag: [...query.tag, tag] });
  });
  byId("clear-filters").addEventListener("click", clearFilters);
  byId("filters").addEventListener("beforetoggle", () => {
    byId("filters").style.top = `${byId("find").getBoundingClientRect().bottom + 6}px`;
  });
}
