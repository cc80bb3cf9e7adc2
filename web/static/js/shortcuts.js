/** Every shortcut of the keyboard, by where it works: the one list that the help dialog and the settings page show. */

import { el } from "./dom.js";
import { t } from "./i18n.js";

/** @typedef {[string[], string]} Shortcut  keys that are pressed together, "/" between those that do the same; what they do */

/** @type {{where: string, does: Shortcut[]}[]} */
export const SHORTCUTS = [
  { where: t("On every page"), does: [[["?"], t("Show this list")]] },
  {
    where: t("Studio"),
    does: [
      [["Ctrl", "Enter"], t("Generate")],
      [["Esc"], t("Cancel the newest job")],
    ],
  },
  {
    where: t("In a prompt"),
    does: [
      [["Ctrl", "↑"], t("More weight for the word or the selection")],
      [["Ctrl", "↓"], t("Less weight")],
      [["Alt", "↑"], t("The prompt used before")],
      [["Alt", "↓"], t("The prompt used after it")],
    ],
  },
  {
    where: t("Many pictures at once"),
    does: [
      [["↑", "/", "↓", "/", "←", "/", "→"], t("From picture to picture")],
      [["K"], t("Keep")],
      [["D", "/", "Delete"], t("Discard")],
      [["Ctrl", "Z"], t("Bring back")],
      [["Enter"], t("Open")],
    ],
  },
  {
    where: t("Canvas"),
    does: [
      [["B"], t("Brush")],
      [["E"], t("Eraser")],
      [["R"], t("Rectangle")],
      [["L"], t("Lasso")],
      [["M"], t("Paint the mask")],
      [["C"], t("Sketch in colour")],
      [["I"], t("Invert the mask")],
      [["[", "/", "]"], t("Smaller or larger brush")],
      [["Shift"], t("Hold to take away, with any tool")],
      [["Alt", t("Click")], t("Take a colour from the picture")],
      [["↑", "/", "↓", "/", "←", "/", "→"], t("Move the brush; with Shift by one pixel")],
      [["Space"], t("Paint, after an arrow key; drag the picture, after the mouse")],
      [["H"], t("Hold to drag the picture; so does the middle button, or two fingers")],
      [["+", "/", "−"], t("Zoom in or out; so does Ctrl with the wheel")],
      [["0"], t("Show all")],
      [["1"], t("100 %")],
      [["Ctrl", "Z"], t("Undo")],
      [["Ctrl", "Shift", "Z"], t("Redo")],
      [["Esc"], t("Let go of a stroke or a shape")],
    ],
  },
  {
    where: t("Queue"),
    does: [
      [["↑", "/", "↓"], t("From job to job")],
      [["Alt", "↑"], t("Sooner, by one job")],
      [["Alt", "↓"], t("Later, by one job")],
      [["P"], t("Pause or resume")],
      [["R"], t("Try again what failed or was cancelled")],
      [["Delete"], t("Cancel; twice: delete what has ended")],
      [["Enter"], t("Open its picture")],
    ],
  },
  {
    where: t("Library"),
    does: [
      [["/"], t("Search")],
      [["↑", "/", "↓", "/", "←", "/", "→"], t("From picture to picture")],
      [["Shift", "→"], t("Select up to the next one")],
      [["Space"], t("Select or leave out")],
      [["Ctrl", "A"], t("Select all")],
      [["Enter"], t("Open")],
      [["F"], t("Favourite")],
      [["C"], t("Compare two")],
      [["Delete"], t("Delete")],
      [["Ctrl", "Z"], t("Undo the deletion")],
      [["Esc"], t("Clear the selection")],
    ],
  },
  {
    where: t("One picture"),
    does: [
      [["←", "/", "→"], t("Previous or next picture")],
      [["Space"], t("Large")],
      [["Z"], t("Actual pixels")],
      [["F"], t("Favourite")],
      [["Delete"], t("Delete")],
      [["Esc"], t("Back")],
    ],
  },
];

/** The list as it is shown. */
export function shortcutList() {
  return SHORTCUTS.map(({ where, does }) =>
    el("section", { class: "shortcuts" }, el("h3", { text: where }), el("dl", {}, ...does.flatMap(([keys, what]) => [keysOf(keys), el("dd", { text: what })]))),
  );
}

/** @param {string[]} keys */
function keysOf(keys) {
  return el("dt", {}, ...keys.map((key, at) => (key === "/" && keys.length > 1 && at ? " / " : el("kbd", { text: key }))));
}
