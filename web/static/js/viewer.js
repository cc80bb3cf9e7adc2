/** One picture, large: a dialog with the job's other pictures an arrow key away. Of many, it is kept or discarded here too. */

import { beforeAfter, besides } from "./compare.js";
import { byId, el, toolButton } from "./dom.js";
import { t } from "./i18n.js";
import { jobs } from "./jobs.js";
import { describe, picturesAt, pictureTools } from "./picture.js";

/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./types.js").Picture} Picture */
/** @typedef {import("./picture.js").Actions} Actions */
/** @typedef {import("./contact.js").ContactSheet} ContactSheet */
/** @typedef {"result" | "before" | "raw"} Mode */

const dialog = byId("viewer");
/** @type {{id: string, index: number, sheet: ContactSheet | null} | null} */ let shown = null;
/** @type {Mode} */ let mode = "result"; // stays while one turns the pages

/** @param {Job} job @param {number} index @param {Actions} actions @param {ContactSheet | null} [sheet]  that the picture is chosen from */
export function view(job, index, actions, sheet = null) {
  shown = { id: job.id, index, sheet };
  byId("viewer-told").textContent = "";
  draw(actions);
  if (dialog.open) return;
  dialog.showModal();
  dialog.focus(); // and none of its buttons: the keys are the picture's
}

/** @param {Actions} actions */
function draw(actions) {
  const job = shown && jobs.get(shown.id);
  const { output, raw } = job && shown ? picturesAt(job, shown.index) : {};
  if (!job || !output) return dialog.close();
  const modes = modesOf(job, raw);
  if (!modes.includes(mode)) mode = "result";
  const focused = dialog.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).title : "";
  byId("viewer-picture").replaceChildren(picture(job, output, raw));
  byId("viewer-foot").replaceChildren(...foot(job, output, modes, actions));
  const again = focused && dialog.querySelector(`[title="${CSS.escape(focused)}"]:not(:disabled)`);
  if (dialog.open) /** @type {HTMLElement} */ (again || dialog).focus(); // what has gone cannot hear the next key
  return undefined;
}

/** @param {Job} job @param {Picture} output @param {Mode[]} modes @param {Actions} actions */
function foot(job, output, modes, actions) {
  const { index, sheet } = /** @type {NonNullable<typeof shown>} */ (shown);
  const made = madeIndexes(job);
  const place = made.indexOf(index);
  const step = (/** @type {number} */ by, /** @type {string} */ glyph, /** @type {string} */ label) => {
    const button = toolButton(glyph, label, () => turn(by, actions));
    button.disabled = made[place + by] === undefined;
    return button;
  };
  const leaving = /** @type {Actions} */ ({
    ...actions,
    useAsInput: (each) => leave(() => actions.useAsInput(each)),
    sameSettings: (of, each) => leave(() => actions.sameSettings(of, each)),
    makeLarger: (of, each) => leave(() => actions.makeLarger(of, each)),
    deletePicture: (of, at) => leave(() => actions.deletePicture(of, at)),
  });
  return [
    step(-1, "left", t("Previous picture")),
    el("p", { text: describe(job, output) }),
    ...(modes.length > 1 ? [switches(modes, actions)] : []),
    ...(sheet ? [choice(sheet, index, actions)] : []),
    el("div", { class: "tools" }, ...pictureTools(job, output, leaving, { chosen: Boolean(sheet) })),
    step(1, "right", t("Next picture")),
    toolButton("close", t("Close"), () => dialog.close()),
  ];
}

/** @param {ContactSheet} sheet @param {number} index @param {Actions} actions */
function choice(sheet, index, actions) {
  const keep = toolButton("heart", t("Keep"), () => act("k", actions));
  keep.title = t("Keep (K)");
  keep.setAttribute("aria-pressed", String(sheet.keeps(index)));
  const discard = toolButton("trash", t("Discard"), () => act("d", actions));
  discard.title = t("Discard (D)");
  return el("div", { class: "tools", role: "group", "aria-label": t("Choose pictures") }, keep, discard);
}

/** What there is to look at. @param {Job} job @param {Picture} [raw] @returns {Mode[]} */
function modesOf({ kind, request }, raw) {
  const before = request.image && (kind === "inpaint" || kind === "img2img");
  return ["result", .../** @type {Mode[]} */ (before ? ["before"] : []), .../** @type {Mode[]} */ (raw ? ["raw"] : [])];
}

/** @param {Job} job @param {Picture} output @param {Picture} [raw] */
function picture(job, output, raw) {
  if (mode === "raw" && raw) return besides(job, output, raw);
  const node =
    mode === "before"
      ? beforeAfter(output, `/api/v1/images/${job.request.image}`, job.request.extend)
      : el("img", { src: output.url, alt: describe(job, output), width: output.width, height: output.height });
  node.style.setProperty("--width", String(output.width));
  node.style.setProperty("--ratio", String(output.width / output.height));
  return node;
}

/** @param {Mode[]} modes @param {Actions} actions */
function switches(modes, actions) {
  const names = { result: t("Result"), before: t("Before and after"), raw: t("Raw") };
  const choose = (/** @type {Mode} */ each) => () => {
    mode = each;
    draw(actions);
  };
  const button = (/** @type {Mode} */ each) =>
    el("button", { type: "button", class: "quiet", title: names[each], "aria-pressed": String(each === mode), text: names[each], on: { click: choose(each) } });
  return el("div", { class: "layers", role: "group", "aria-label": t("What is shown") }, ...modes.map(button));
}

/** @param {() => void} action */
function leave(action) {
  dialog.close();
  action();
}

/** @param {Job} job */
function madeIndexes(job) {
  return job.images.filter((image) => image.role !== "raw").map((image) => image.index ?? 0).sort((a, b) => a - b);
}

/** @param {number} by @param {Actions} actions */
function turn(by, actions) {
  const job = shown && jobs.get(shown.id);
  if (!job || !shown) return;
  const made = madeIndexes(job);
  const next = made[made.indexOf(shown.index) + by];
  if (next !== undefined) view(job, next, actions, shown.sheet);
}

/** Keep, discard or bring back; how far the choosing has come is told below the picture. @param {"k" | "d" | "z"} key @param {Actions} actions */
async function act(key, actions) {
  const { id = "", index = 0, sheet } = shown ?? {};
  if (!sheet) return;
  const before = madeIndexes(sheet.job);
  const back = key === "z" ? await sheet.restore() : undefined;
  if (key === "k") await sheet.keep(index);
  if (key === "d") await sheet.discard(index);
  if (!dialog.open || shown?.id !== id) return; // somebody has gone on meanwhile
  shown.index = back ?? nearest(before, shown.index);
  draw(actions);
  byId("viewer-told").textContent = sheet.refusal.textContent || sheet.told;
}

/** A picture that is still there: this one, else the next, else the last before it. @param {number[]} before  numbers that there were @param {number} index */
function nearest(before, index) {
  const job = jobs.get(shown?.id ?? "");
  const there = new Set(job ? madeIndexes(job) : []);
  const place = before.indexOf(index);
  return [...before.slice(place), ...before.slice(0, place).reverse()].find((each) => there.has(each)) ?? index;
}

/** @param {Actions} actions */
export function startViewer(actions) {
  dialog.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const undo = key === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey;
    if (event.target instanceof HTMLInputElement && key.startsWith("Arrow")) return; // the line between before and after
    if (event.altKey || event.isComposing || ((event.ctrlKey || event.metaKey) && !undo)) return;
    if (key === "ArrowLeft") turn(-1, actions);
    else if (key === "ArrowRight") turn(1, actions);
    else if (undo) act("z", actions);
    else if (key === "k") act("k", actions);
    else if (key === "d" || key === "Delete") act("d", actions);
    else return;
    event.preventDefault();
    event.stopPropagation(); // Ctrl + Z is the mask's elsewhere
  });
  dialog.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    if (event.target === dialog || (event.target instanceof Element && event.target.matches(".viewer-picture"))) dialog.close();
  });
  dialog.addEventListener("close", () => {
    const place = shown && document.querySelector(`[data-job-id="${shown.id}"] [data-index="${shown.index}"] .enlarge`);
    if (document.activeElement?.matches("body, .enlarge")) /** @type {HTMLElement | null} */ (place)?.focus(); // not where one began: where one has come to
  });
}
