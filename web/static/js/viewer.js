/** One picture, large: a dialog with the job's other pictures an arrow key away. */

import { byId, el, toolButton } from "./dom.js";
import { t } from "./i18n.js";
import { jobs } from "./jobs.js";
import { describe, picturesAt, pictureTools } from "./picture.js";

const dialog = byId("viewer");
/** @type {{id: string, index: number} | null} */ let shown = null;

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
  const image = el("img", { src: output.url, alt: describe(job, output), width: output.width, height: output.height });
  image.style.setProperty("--width", String(output.width));
  image.style.setProperty("--ratio", String(output.width / output.height));
  const showRaw = (/** @type {boolean} */ pressed) => {
    image.src = (pressed && raw ? raw : output).url;
  };
  const leaving = /** @type {typeof actions} */ ({
    ...actions,
    useAsInput: (picture) => leave(() => actions.useAsInput(picture)),
    sameSettings: (of, picture) => leave(() => actions.sameSettings(of, picture)),
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
    el("div", { class: "viewer-picture" }, image),
    el(
      "div",
      { class: "viewer-foot" },
      step(-1, "left", t("Previous picture")),
      el("p", { text: describe(job, output) }),
      el("div", { class: "tools" }, ...pictureTools(job, output, leaving, { raw, showRaw })),
      step(1, "right", t("Next picture")),
      toolButton("close", t("Close"), () => dialog.close()),
    ),
  );
  return undefined;
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
    if (event.key === "ArrowLeft") turn(-1, actions);
    if (event.key === "ArrowRight") turn(1, actions);
  });
  dialog.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    if (event.target === dialog || (event.target instanceof Element && event.target.matches(".viewer-picture"))) dialog.close();
  });
}
