/** How a picture was made, in sentences and as parameters. */

import { duration, labelOf, plural } from "../format.js";
import { nameOfKind } from "../kinds.js";

/**
 * @typedef {import("../types.js").LibraryPicture} LibraryPicture
 * @typedef {import("../types.js").Metadata} Metadata
 */

/** @param {string} time  of the API */
export function dateOf(time) {
  return new Date(time).toLocaleString("en-GB", { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" });
}

/** @param {number} bytes */
function sizeOf(bytes) {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** @param {number} part  0 to 1 */
const percent = (part) => `${Math.round(part * 100)} %`;

/** A request that says what one picture was drawn with: of an enlargement what it has, of a grid what its cells share. @param {Metadata} metadata @returns {Record<string, any> | null} */
function drawingOf({ request }) {
  if (!request) return null;
  return request.kind === "grid" ? /** @type {any} */ (request).base : request;
}

/** @param {LibraryPicture} picture @param {Metadata} metadata @returns {string[]} */
export function sentences(picture, metadata) {
  const request = drawingOf(metadata);
  if (!request) return [`Sent here on ${dateOf(picture.created_at)}.`];
  const told = [`${beginning(picture, metadata, request)} on ${dateOf(picture.created_at)}.`];
  if (request.steps && (metadata.request?.kind !== "upscale" || request.method === "redraw")) told.push(drawn(metadata, request));
  if (request.variation) told.push(`It is turned ${percent(request.variation.strength)} of the way toward another seed.`);
  if (request.hires) told.push(`Then it was made ${request.hires.factor} times as large in a second pass.`);
  if (request.styles?.length) told.push(`In the style ${request.styles.join(" and ")}.`);
  if (metadata.timings) told.push(timeOf(metadata.timings.seconds, request.count));
  return told;
}

/** A job's pictures are made side by side. @param {number} seconds @param {number} [count] */
function timeOf(seconds, count = 1) {
  return count > 1 ? `It was there ${duration(seconds)} after its job began.` : `It took ${duration(seconds)}.`;
}

/** @param {LibraryPicture} picture @param {Metadata} metadata @param {Record<string, any>} request */
function beginning(picture, metadata, request) {
  if (picture.role === "raw") return "What the model painted, before it was set into the original,";
  if (metadata.request?.kind === "grid") return "All pictures of a grid on one sheet, made";
  if (request.kind === "img2img") return `Drawn over another picture, of which ${percent(request.strength)} could change,`;
  if (request.kind === "inpaint") return request.extend ? "Another picture, painted on around its edges," : "Another picture, repainted where its mask is,";
  if (request.kind === "upscale") return `Made ${request.factor} times as large ${request.method === "redraw" ? "and drawn over, tile by tile," : "without a model,"}`;
  return "Drawn from words";
}

/** @param {Metadata} metadata @param {Record<string, any>} request */
function drawn({ model, seed }, request) {
  const with_ = [
    request.guidance > 1 ? `guidance ${request.guidance}` : "no guidance",
    ...(seed === null || seed === undefined ? [] : [`seed ${seed}`]),
  ];
  const whose = model ? labelOf("model", model.name) : "The model";
  const way = `${labelOf("sampler", request.sampler)} on the ${labelOf("schedule", request.schedule)} schedule`;
  return `${whose} took ${plural(request.steps, "step")} of ${way}, with ${with_.join(" and ")}.`;
}

/** @param {LibraryPicture} picture @param {Metadata} metadata @returns {[string, string][]} */
export function parameters(picture, metadata) {
  const request = drawingOf(metadata) ?? {};
  const { model, timings } = metadata;
  const pairs = /** @type {[string, unknown][]} */ ([
    ["Kind", nameOfKind(picture.kind)],
    ["Model", model && `${labelOf("model", model.name)} (${model.hash.slice(0, 10)})`],
    ["Sampler", request.sampler && labelOf("sampler", request.sampler)],
    ["Schedule", request.schedule && labelOf("schedule", request.schedule)],
    ["Steps", request.steps],
    ["Guidance", request.guidance],
    ["Seed", picture.seed],
    ["Variation", request.variation && `${request.variation.seed}, strength ${request.variation.strength}`],
    ["Strength", request.strength],
    ["Size", `${picture.width} × ${picture.height}`],
    ["File", `${picture.format.toUpperCase()}, ${sizeOf(picture.bytes)}`],
    ["Time", timings && duration(timings.seconds)],
  ]);
  return pairs.flatMap(([name, value]) => (value === undefined || value === null || value === "" ? [] : [[name, String(value)]]));
}
