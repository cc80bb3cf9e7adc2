/** What can be done with one finished picture: the row of buttons under it, in the list and in the viewer. */

import { confirming, el, icon, toolButton } from "./dom.js";
import { list } from "./format.js";
import { t } from "./i18n.js";
import { captionOf, fitsForm } from "./kinds.js";

/**
 * @typedef {import("./types.js").Job} Job
 * @typedef {import("./types.js").Picture} Picture
 *
 * @typedef {object} Actions
 * @property {(picture: Picture) => void} useAsInput
 * @property {(job: Job, picture: Picture | null) => void} sameSettings
 * @property {(job: Job, picture: Picture) => void} makeLarger
 * @property {(job: Job, index: number) => void} deletePicture
 * @property {(job: Job) => void} deleteJob
 * @property {(job: Job) => void} another  the same request with another seed
 * @property {(job: Job) => void} cancel
 * @property {(job: Job, index: number, sheet?: import("./contact.js").ContactSheet | null) => void} open  sheet: that the picture is chosen from
 */

/** The picture a job shows at a place, and what the decoder gave before compositing. @param {Job} job @param {number} index */
export function picturesAt(job, index) {
  const here = job.images.filter((image) => image.index === index);
  return { output: here.find((image) => image.role !== "raw"), raw: here.find((image) => image.role === "raw") };
}

/** @param {Job} job @param {Picture} picture */
export function describe(job, picture) {
  return list([job.request.prompt || t("Picture without a prompt"), captionOf(picture, job)].filter(Boolean));
}

/**
 * @param {Job} job @param {Picture} output @param {Actions} actions
 * @param {{raw?: Picture, showRaw?: (raw: boolean) => void, chosen?: boolean}} [more]  chosen: it is discarded another way
 */
export function pictureTools(job, output, actions, { raw, showRaw, chosen = false } = {}) {
  const tools = [
    toolButton("input", t("Use as input"), () => actions.useAsInput(output)),
    ...(fitsForm(job) ? [toolButton("settings", t("Same settings"), () => actions.sameSettings(job, output))] : []),
    toolButton("larger", t("Make larger"), () => actions.makeLarger(job, output)),
    el(
      "a",
      { class: "tool", href: output.url, download: `darkroom-${output.seed ?? output.id}.png`, "aria-label": t("Download"), title: t("Download") },
      icon("download"),
      el("span", { text: t("Download") }),
    ),
    ...(chosen ? [] : [confirming(toolButton("trash", t("Delete")), () => actions.deletePicture(job, output.index ?? 0))]),
  ];
  if (raw && showRaw) {
    const toggle = toolButton("layers", t("Show raw"), () => {
      const pressed = toggle.getAttribute("aria-pressed") !== "true";
      toggle.setAttribute("aria-pressed", String(pressed));
      showRaw(pressed);
    });
    toggle.setAttribute("aria-pressed", "false");
    toggle.title = t("What the model painted, before it was set into the original");
    tools.unshift(toggle);
  }
  return tools;
}
