/** What can be done with one finished picture: the row of buttons under it, in the list and in the viewer. */

import { confirming, el, icon, toolButton } from "./dom.js";
import { captionOf, fitsForm } from "./kinds.js";

/**
 * @typedef {import("./types.js").Job} Job
 * @typedef {import("./types.js").Picture} Picture
 *
 * @typedef {object} Actions
 * @property {(picture: Picture) => void} useAsInput
 * @property {(job: Job, picture: Picture | null) => void} sameSettings
 * @property {(job: Job, index: number) => void} deletePicture
 * @property {(job: Job) => void} deleteJob
 * @property {(job: Job) => void} another  the same request with another seed
 * @property {(job: Job) => void} cancel
 * @property {(job: Job, index: number) => void} open
 */

/** The picture a job shows at a place, and what the decoder gave before compositing. @param {Job} job @param {number} index */
export function picturesAt(job, index) {
  const here = job.images.filter((image) => image.index === index);
  return { output: here.find((image) => image.role !== "raw"), raw: here.find((image) => image.role === "raw") };
}

/** @param {Job} job @param {Picture} picture */
export function describe(job, picture) {
  return [job.request.prompt || "Picture without a prompt", captionOf(picture, job)].filter(Boolean).join(", ");
}

/**
 * @param {Job} job @param {Picture} output @param {Actions} actions
 * @param {{raw?: Picture, showRaw?: (raw: boolean) => void}} [more]
 */
export function pictureTools(job, output, actions, { raw, showRaw } = {}) {
  const tools = [
    toolButton("input", "Use as input", () => actions.useAsInput(output)),
    ...(fitsForm(job) ? [toolButton("settings", "Same settings", () => actions.sameSettings(job, output))] : []),
    el(
      "a",
      { class: "tool", href: output.url, download: `darkroom-${output.seed ?? output.id}.png`, "aria-label": "Download", title: "Download" },
      icon("download"),
      el("span", { text: "Download" }),
    ),
    confirming(toolButton("trash", "Delete"), () => actions.deletePicture(job, output.index ?? 0)),
  ];
  if (raw && showRaw) {
    const toggle = toolButton("layers", "Show raw", () => {
      const pressed = toggle.getAttribute("aria-pressed") !== "true";
      toggle.setAttribute("aria-pressed", String(pressed));
      showRaw(pressed);
    });
    toggle.setAttribute("aria-pressed", "false");
    toggle.title = "What the model painted, before it was set into the original";
    tools.unshift(toggle);
  }
  return tools;
}
