/** A result over the picture it was made from: look at both, then take it over, try another seed, or throw it away. */

import { beforeAfter } from "../compare.js";
import { byId, confirming, el, toolButton } from "../dom.js";
import { writeForm } from "../form.js";
import { t } from "../i18n.js";
import { isOver, jobs } from "../jobs.js";
import { picturesAt } from "../picture.js";
import { busy } from "./brushwork.js";
import { isSource } from "./editor.js";
import { work } from "./work.js";

/** @typedef {import("../types.js").Job} Job */
/** @typedef {import("../types.js").Picture} Picture */
/** @typedef {import("../picture.js").Actions} Actions */

const layer = byId("review");
const bar = byId("review-bar");

/** @type {Map<string, number>} */ const asked = new Map(); // job → what the canvas was like when it was asked for
/** @type {{id: string, index: number} | null} */ let shown = null;

/** @param {Job} job */
const outputs = (job) => job.images.filter((image) => image.role === "output");

function close() {
  shown = null;
  layer.hidden = bar.hidden = true;
  layer.replaceChildren();
  byId("stage").classList.remove("reviewing");
}

/** @param {Job} job @param {Picture} output @param {Actions} actions */
function open(job, output, actions) {
  const hadFocus = bar.contains(document.activeElement);
  shown = { id: job.id, index: output.index ?? 0 };
  const extend = job.request.extend ?? null;
  const { left = 0, top = 0 } = extend ?? {};
  const { width, height } = work.mask;
  const node = beforeAfter(output, byId("input-picture").src, extend);
  Object.assign(node.style, {
    left: `${(-100 * left) / width}%`,
    top: `${(-100 * top) / height}%`,
    width: `${(100 * output.width) / width}%`,
    height: `${(100 * output.height) / height}%`,
  });
  layer.replaceChildren(node);
  bar.replaceChildren(...buttons(job, output, actions));
  layer.hidden = bar.hidden = false;
  byId("stage").classList.add("reviewing");
  if (hadFocus) bar.querySelector("button")?.focus();
}

/** @param {Job} job @param {Picture} output @param {Actions} actions */
function buttons(job, output, actions) {
  const all = outputs(job);
  const place = all.findIndex((each) => each.id === output.id);
  const turn = (/** @type {number} */ by, /** @type {string} */ glyph, /** @type {string} */ label) => {
    const button = toolButton(glyph, label, () => open(job, all[place + by], actions));
    button.disabled = !all[place + by];
    return button;
  };
  const turns = all.length > 1 ? [turn(-1, "left", t("Previous picture")), el("span", { text: `${place + 1} / ${all.length}` }), turn(1, "right", t("Next picture"))] : [];
  const discard = el("button", { type: "button", class: "quiet", text: t("Discard"), title: t("Delete this picture") });
  return [
    ...turns,
    el("button", { type: "button", class: "primary", text: t("Accept"), title: t("Go on from this picture"), on: { click: () => accept(job, output, actions) } }),
    el("button", { type: "button", class: "quiet", text: t("Another seed"), title: t("The same request with another seed"), on: { click: () => { close(); actions.another(job); } } }),
    confirming(discard, () => discarded(job, output, actions)),
    toolButton("close", t("Back to the canvas"), () => close()),
  ];
}

/** @param {Job} job @param {Picture} output @param {Actions} actions */
function accept(job, output, actions) {
  close();
  if (job.request.extend) writeForm({ extend: null }); // it has grown already
  actions.useAsInput(output);
}

/** @param {Job} job @param {Picture} output @param {Actions} actions */
function discarded(job, output, actions) {
  const all = outputs(job);
  const next = all[all.findIndex((each) => each.id === output.id) + 1] ?? all.findLast((each) => each.id !== output.id);
  actions.deletePicture(job, output.index ?? 0);
  if (next) open({ ...job, images: job.images.filter((each) => each.index !== output.index) }, next, actions);
  else close();
}

/**
 * A result of what is on the canvas shows itself, unless somebody has painted on since.
 * @param {Actions} actions
 */
export function startReview(actions) {
  jobs.addEventListener("change", (event) => {
    const { job, before } = /** @type {CustomEvent<{job: Job, before?: Job}>} */ (event).detail;
    if (!before && !isOver(job) && isSource(job.request.image)) asked.set(job.id, work.version);
    const news = job.state === "succeeded" && asked.get(job.id) === work.version && !busy();
    if (isOver(job)) asked.delete(job.id);
    const { output } = picturesAt(job, outputs(job)[0]?.index ?? 0);
    if (news && output && isSource(job.request.image)) open(job, output, actions);
  });
  jobs.addEventListener("gone", (event) => {
    if (shown?.id === /** @type {CustomEvent<string>} */ (event).detail) close();
  });
  work.addEventListener("change", close);
}
