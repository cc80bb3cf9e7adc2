/** The kinds of job, as the page tells of them. Grids and enlargements come from the API only. */

import { labelOf } from "./format.js";

/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./types.js").Picture} Picture */

const NAMES = {
  txt2img: "From words",
  img2img: "From a picture",
  inpaint: "Repainted",
  grid: "Grid",
  upscale: "Enlarged",
  upload: "Sent here",
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
  if (picture.role === "grid") return "all cells";
  if (job.axes) return cellOf(job.axes, picture.index ?? 0).join(" · ");
  const { variation } = job.request;
  if (variation) return `variation ${variation.seed + (picture.index ?? 0)}`;
  return picture.seed === null ? "" : `seed ${picture.seed}`;
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
    const drawn = request.method === "redraw" ? drawing(request) : ["without a model"];
    return [NAMES[kind], `${request.factor} times`, ...drawn];
  }
  const axes = (job.axes ?? []).map((axis) => `${axis.field}: ${axis.values.join(", ")}`);
  return [NAMES[kind], ...axes, `${request.width} × ${request.height}`, ...drawing(request), ...steering(request)];
}

/** What was set beyond the usual. @param {Record<string, any>} request */
function steering({ hires, variation, styles, tiling }) {
  return [
    hires ? `then ${hires.factor} times as large` : "",
    styles?.length ? `style ${styles.join(", ")}` : "",
    variation ? `variation ${variation.strength}` : "",
    tiling && tiling !== "none" ? "seamless" : "",
  ].filter(Boolean);
}

/** @param {Job["request"]} request */
function drawing(request) {
  const facts = [
    `${request.steps} steps`,
    `${labelOf("sampler", request.sampler)}, ${labelOf("schedule", request.schedule)}`,
    `guidance ${request.guidance}`,
  ];
  if (request.strength !== undefined) facts.push(`strength ${request.strength}`);
  return facts;
}
