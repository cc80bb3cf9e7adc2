/** The kinds of job, as the page tells of them. Grids and enlargements come from the API only. */

import { labelOf, list } from "./format.js";
import { t, tn } from "./i18n.js";

/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./types.js").Picture} Picture */

const NAMES = {
  txt2img: t("From words"),
  img2img: t("From a picture"),
  inpaint: t("Repainted"),
  grid: t("Grid"),
  upscale: t("Enlarged"),
  upload: t("Sent here"),
};

/** What a kind is called. @param {Job["kind"] | "upload"} kind */
export const nameOfKind = (kind) => NAMES[kind] ?? kind;

/**
 * A job as the API tells it, with a request that has the fields of a picture's, and the number of its pictures: of a
 * grid the base, and a picture more than there are cells.
 * @param {Job} job @returns {Job}
 */
export function plain(job) {
  const { request } = job;
  if (request.kind === "grid") {
    const axes = gridAxes(request);
    const cells = axes.reduce((count, axis) => count * axis.values.length, 1);
    return { ...job, pictures: cells + 1, axes, request: /** @type {Job["request"]} */ (request.base) };
  }
  if (request.kind === "upscale") {
    const { width = 1, height = 1 } = job.images[0] ?? {};
    return { ...job, pictures: 1, request: { ...request, width, height } };
  }
  return job.kind === "grid" ? job : { ...job, pictures: request.count };
}

/** @param {Job["request"]} request @returns {import("./types.js").Axis[]} */
function gridAxes({ x, y, z }) {
  return /** @type {import("./types.js").Axis[]} */ ([x, y, z].filter(Boolean));
}

/** Whether the form can hold what was asked for. @param {Job} job */
export function fitsForm(job) {
  return job.kind !== "grid" && job.kind !== "upscale";
}

/** What a picture is called in its job: a cell by its values, a variation by its own seed. @param {Picture} picture @param {Job} job */
export function captionOf(picture, job) {
  if (picture.role === "grid") return t("all cells");
  if (job.axes) return cellOf(job.axes, picture.index ?? 0).join(" · ");
  const { variation } = job.request;
  if (variation) return t("variation {variation}", { variation: variation.seed + (picture.index ?? 0) });
  return picture.seed === null ? "" : t("seed {seed}", { seed: picture.seed });
}

/** Values of a grid's cell: numbered from left to right, row by row, block by block. @param {import("./types.js").Axis[]} axes @param {number} index */
function cellOf(axes, index) {
  let rest = index;
  return axes.map(({ values }) => {
    const value = values[rest % values.length];
    rest = Math.floor(rest / values.length);
    return String(value);
  });
}

/** The facts of a job, one a line. @param {Job} job */
export function factsOf(job) {
  const { request, kind } = job;
  if (kind === "upscale") {
    const drawn = request.method === "redraw" ? drawing(request) : [t("without a model")];
    return [NAMES[kind], t("{factor} times", { factor: request.factor ?? 1 }), ...drawn];
  }
  const axes = (job.axes ?? []).map((axis) => t("{field}: {values}", { field: labelOf("x", axis.field), values: list(axis.values.map(String)) }));
  return [NAMES[kind], ...axes, `${request.width}\u00a0×\u00a0${request.height}`, ...drawing(request), ...steering(request)];
}

/** What was set beyond the usual. @param {Record<string, any>} request */
function steering({ hires, variation, styles, tiling }) {
  return [
    hires ? t("then {factor} times as large", { factor: hires.factor }) : "",
    styles?.length ? t("style {styles}", { styles: list(styles) }) : "",
    variation ? t("variation {variation}", { variation: variation.strength }) : "",
    tiling && tiling !== "none" ? t("seamless") : "",
  ].filter(Boolean);
}

/** @param {Job["request"]} request */
function drawing(request) {
  const facts = [
    tn("{count} step", "{count} steps", request.steps),
    list([labelOf("sampler", request.sampler), labelOf("schedule", request.schedule)]),
    t("guidance {guidance}", { guidance: request.guidance }),
  ];
  if (request.strength !== undefined) facts.push(t("strength {strength}", { strength: request.strength }));
  return facts;
}
