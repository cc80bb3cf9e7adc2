/** One picture, large: a dialog with the job's other pictures an arrow key away. */

import { beforeAfter, besides } from "./compare.js";
import { byId, el, toolButton } from "./dom.js";
import { t } from "./i18n.js";
import { jobs } from "./jobs.js";
import { describe, picturesAt, pictureTools } from "./picture.js";

/** @typedef {"result" | "before" | "raw"} Mode */

const dialog = byId("viewer");
/** @type {{id: string, index: number} | null} */ let shown = null;
/** @type {Mode} */ let mode = "result"; // stays while one turns the pages

/**
 * @param {import("./types.js").Job} job @param {number} index @param {import("./picture.js").Actions} actions
 */
export function view(job, index, actions) {
  shown = { id: job.id, index };
  draw(actions);
  if (!dialog.open) dialog.showModal();
}

/** @param {import("./picture.js").Actions} actions */
function draw(actions) {
  const job = shown && jobs.get(shown.id);
  const { output, raw } = job && shown ? picturesAt(job, shown.index) : {};
  if (!job || !output) return dialog.close();
  const modes = modesOf(job, raw);
  if (!modes.includes(mode)) mode = "result";
  const leaving = /** @type {typeof actions} */ ({
    ...actions,
    useAsInput: (picture) => leave(() => actions.useAsInput(picture)),
    sameSettings: (of, picture) => leave(() => actions.sameSettings(of, picture)),
    makeLarger: (of, picture) => leave(() => actions.makeLarger(of, picture)),
    deletePicture: (of, at) => leave(() => actions.deletePicture(of, at)),
  });
  const made = madeIndexes(job);
  const place = made.indexOf(shown?.index ?? 0);
  const step = (/** @type {number} */ by, /** @type {string} */ glyph, /** @type {string} */ label) => {
    const button = toolButton(glyph, label, () => turn(by, actions));
    button.disabled = made[place + by] === undefined;
    return button;
  };
  dialog.replaceChildren(
    el("div", { class: "viewer-picture", "data-mode": mode }, picture(job, output, raw)),
    el(
      "div",
      { class: "viewer-foot" },
      step(-1, "left", t("Previous picture")),
      el("p", { text: describe(job, output) }),
      ...(modes.length > 1 ? [switches(modes, actions)] : []),
      el("div", { class: "tools" }, ...pictureTools(job, output, leaving)),
      step(1, "right", t("Next picture")),
      toolButton("close", t("Close"), () => dialog.close()),
    ),
  );
  return undefined;
}

/** What there is to look at. @param {import("./types.js").Job} job @param {import("./types.js").Picture} [raw] @returns {Mode[]} */
function modesOf({ kind, request }, raw) {
  const before = request.image && (kind === "inpaint" || kind === "img2img");
  return ["result", .../** @type {Mode[]} */ (before ? ["before"] : []), .../** @type {Mode[]} */ (raw ? ["raw"] : [])];
}

/** @param {import("./types.js").Job} job @param {import("./types.js").Picture} output @param {import("./types.js").Picture} [raw] */
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

/** @param {Mode[]} modes @param {import("./picture.js").Actions} actions */
function switches(modes, actions) {
  const names = { result: t("Result"), before: t("Before and after"), raw: t("Raw") };
  const choose = (/** @type {Mode} */ each) => () => {
    mode = each;
    draw(actions);
    /** @type {HTMLElement | null} */ (dialog.querySelector(`[data-mode=${each}][aria-pressed]`))?.focus();
  };
  const button = (/** @type {Mode} */ each) =>
    el("button", { type: "button", class: "quiet", "data-mode": each, "aria-pressed": String(each === mode), text: names[each], on: { click: choose(each) } });
  return el("div", { class: "layers", role: "group", "aria-label": t("What is shown") }, ...modes.map(button));
}

/** @param {() => void} action */
function leave(action) {
  dialog.close();
  action();
}

/** @param {import("./types.js").Job} job */
function madeIndexes(job) {
  return job.images.filter((image) => image.role !== "raw").map((image) => image.index ?? 0);
}

/** @param {number} by @param {import("./picture.js").Actions} actions */
function turn(by, actions) {
  const job = shown && jobs.get(shown.id);
  if (!job || !shown) return;
  const made = madeIndexes(job);
  const next = made[made.indexOf(shown.index) + by];
  if (next !== undefined) view(job, next, actions);
}

/** @param {import("./picture.js").Actions} actions */
export function startViewer(actions) {
  dialog.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.target instanceof HTMLInputElement) return; // the line between before and after
    if (event.key === "ArrowLeft") turn(-1, actions);
    if (event.key === "ArrowRight") turn(1, actions);
  });
  dialog.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    if (event.target === dialog || (event.target instanceof Element && event.target.matches(".viewer-picture"))) dialog.close();
  });
}
