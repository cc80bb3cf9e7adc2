/** The dialog that puts tags on pictures, or pictures on a board. */

import { byId, el, icon } from "../dom.js";
import { t, tn } from "../i18n.js";

/** @typedef {import("../types.js").LibraryPicture} LibraryPicture */

const dialog = byId("labels");

/**
 * @param {string} title @param {any[]} inside
 * @param {() => void} save
 */
function ask(title, inside, save) {
  const form = el(
    "form",
    { method: "dialog" },
    el("h2", { id: "labels-title", text: title }),
    ...inside,
    el(
      "div",
      { class: "card-foot" },
      el("button", { type: "button", text: t("Cancel"), on: { click: () => dialog.close() } }),
      el("button", { type: "submit", class: "primary", text: t("Save") }),
    ),
  );
  form.addEventListener("submit", save);
  dialog.replaceChildren(form);
  dialog.showModal();
  dialog.querySelector("input").focus();
}

/** @param {string} text  tags with commas between @returns {string[]} */
export const tagsIn = (text) => text.split(",").map((tag) => tag.trim()).filter(Boolean);

/** @param {LibraryPicture[]} pictures @param {(changesOf: (picture: LibraryPicture) => import("../types.js").Changes) => void} change */
export function askTags(pictures, change) {
  const input = el("input", { id: "labels-input", type: "text", list: "tags", maxlength: 500, autocomplete: "off", placeholder: t("sea, holiday") });
  const there = [...new Set(pictures.flatMap(({ tags }) => tags))].sort();
  /** @type {Set<string>} */ const off = new Set();
  const chips = there.map((tag) => {
    const chip = el("button", { type: "button", class: "chip set", "aria-pressed": "true", title: t("Take off: {tag}", { tag }) }, tag, icon("close"));
    chip.addEventListener("click", () => {
      if (!off.delete(tag)) off.add(tag);
      chip.setAttribute("aria-pressed", String(!off.has(tag)));
    });
    return el("li", {}, chip);
  });
  const inside = [el("label", { for: "labels-input", text: t("Tags to put on, with commas between") }), input];
  if (chips.length) inside.push(el("p", { class: "hint", text: t("There already; press one to take it off.") }), el("ul", { class: "chips" }, ...chips));
  ask(tn("Tags of {count} picture", "Tags of {count} pictures", pictures.length), inside, () => {
    const more = tagsIn(input.value);
    if (more.length || off.size) change(({ tags }) => ({ tags: [...new Set([...tags.filter((tag) => !off.has(tag)), ...more])] }));
  });
}

/** @param {LibraryPicture[]} pictures @param {(board: string | null) => void} put  null = on none */
export function askBoard(pictures, put) {
  const [first] = pictures;
  const all = pictures.every(({ board }) => board === first.board) ? (first.board ?? "") : "";
  const input = el("input", { id: "labels-input", type: "text", list: "boards", maxlength: 100, autocomplete: "off", value: all, placeholder: t("Holiday") });
  const inside = [
    el("label", { for: "labels-input", text: t("Board") }),
    input,
    el("p", { class: "hint", text: t("A board is a name; it is there while a picture is on it. Empty takes them off.") }),
  ];
  ask(tn("Board of {count} picture", "Board of {count} pictures", pictures.length), inside, () => put(input.value.trim() || null));
}
