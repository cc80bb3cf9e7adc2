/** How a picture was made, in sentences and as parameters. */

import { duration, labelOf, moment, number, percent } from "../format.js";
import { t, tn } from "../i18n.js";
import { nameOfKind } from "../kinds.js";

/**
 * @typedef {import("../types.js").LibraryPicture} LibraryPicture
 * @typedef {import("../types.js").Metadata} Metadata
 */

/** @param {number} bytes */
function sizeOf(bytes) {
  return bytes < 1_000_000 ? `${number(Math.max(1, bytes / 1000))} kB` : `${number(bytes / 1_000_000, 1)} MB`;
}

/** A request that says what one picture was drawn with: of an enlargement what it has, of a grid what its cells share. @param {Metadata} metadata @returns {Record<string, any> | null} */
function drawingOf({ request }) {
  if (!request) return null;
  return request.kind === "grid" ? /** @type {any} */ (request).base : request;
}

/** @param {LibraryPicture} picture @param {Metadata} metadata @returns {string[]} */
export function sentences(picture, metadata) {
  const request = drawingOf(metadata);
  const date = moment(picture.created_at);
  if (!request) return [t("Sent here on {date}.", { date })];
  const told = [beginning(picture, metadata, request, date)];
  if (request.steps && (metadata.request?.kind !== "upscale" || request.method === "redraw")) told.push(drawn(metadata, request));
  if (request.variation) told.push(t("It is turned {part} of the way toward another seed.", { part: percent(request.variation.strength) }));
  if (request.hires) told.push(t("Then it was made {factor} times as large in a second pass.", { factor: request.hires.factor }));
  if (request.styles?.length) told.push(t("In the style {styles}.", { styles: request.styles.join(t(" and ")) }));
  if (metadata.timings) told.push(timeOf(metadata.timings.seconds, request.count));
  return told;
}

/** A job's pictures are made side by side. @param {number} seconds @param {number} [count] */
function timeOf(seconds, count = 1) {
  const time = duration(seconds);
  return count > 1 ? t("It was there {time} after its job began.", { time }) : t("It took {time}.", { time });
}

/** @param {LibraryPicture} picture @param {Metadata} metadata @param {Record<string, any>} request @param {string} date */
function beginning(picture, metadata, request, date) {
  const { factor, kind } = request;
  if (picture.role === "raw") return t("What the model painted, before it was set into the original, on {date}.", { date });
  if (metadata.request?.kind === "grid") return t("All pictures of a grid on one sheet, made on {date}.", { date });
  if (kind === "img2img") {
    return t("Drawn over another picture, of which {part} could change, on {date}.", { part: percent(request.strength), date });
  }
  if (kind === "inpaint" && request.extend) return t("Another picture, painted on around its edges, on {date}.", { date });
  if (kind === "inpaint") return t("Another picture, repainted where its mask is, on {date}.", { date });
  if (kind === "upscale" && request.method === "redraw") {
    return t("Made {factor} times as large and drawn over, tile by tile, on {date}.", { factor, date });
  }
  if (kind === "upscale") return t("Made {factor} times as large without a model, on {date}.", { factor, date });
  return t("Drawn from words on {date}.", { date });
}

/** @param {Metadata} metadata @param {Record<string, any>} request */
function drawn({ model, seed }, request) {
  const { guidance } = request;
  const how = [guidance > 1 ? t("guidance {guidance}", { guidance }) : t("no guidance")];
  if (seed !== null && seed !== undefined) how.push(t("seed {seed}", { seed }));
  return tn(
    "{model} took {count} step of {sampler} on the {schedule} schedule, with {how}.",
    "{model} took {count} steps of {sampler} on the {schedule} schedule, with {how}.",
    request.steps,
    {
      model: model ? labelOf("model", model.name) : t("The model"),
      sampler: labelOf("sampler", request.sampler),
      schedule: labelOf("schedule", request.schedule),
      how: how.join(t(" and ")),
    },
  );
}

const FIELDS = /** @type {Record<string, string>} */ ({
  prompt: t("Prompt"),
  negative_prompt: t("Negative prompt"),
  kind: t("Kind"),
  model: t("Model"),
  sampler: t("Sampler"),
  schedule: t("Schedule"),
  steps: t("Steps"),
  guidance: t("Guidance"),
  seed: t("Seed"),
  count: t("How many"),
  strength: t("Strength"),
  width: t("Width"),
  height: t("Height"),
  tiling: t("Seamless"),
  guidance_start: t("Guidance from"),
  guidance_end: t("Guidance to"),
  guidance_rescale: t("Guidance rescale"),
  feature_cache: t("Reuse features"),
  clip_skip: t("Skip text layers"),
});
const ASIDE = new Set(["metadata", "previews", "priority"]); // of the asking, not of the picture

/** A request of ours as people know it: what they set most first, by its name in the form. @param {Record<string, string>} found @returns {[string, string][]} */
export function fieldsOf(found) {
  const known = Object.keys(FIELDS).filter((name) => name in found);
  const others = Object.keys(found).filter((name) => !(name in FIELDS) && !ASIDE.has(name));
  const value = (/** @type {string} */ name) => (name === "kind" ? nameOfKind(/** @type {any} */ (found.kind)) : labelOf(name, found[name]));
  return [...known, ...others].map((name) => [FIELDS[name] ?? name, value(name)]);
}

/** @param {LibraryPicture} picture @param {Metadata} metadata @returns {[string, string][]} */
export function parameters(picture, metadata) {
  const asked = drawingOf(metadata) ?? {};
  const request = asked.method === "lanczos" ? {} : asked; // nothing was drawn
  const { model, timings } = metadata;
  const { variation } = request;
  const pairs = /** @type {[string, unknown][]} */ ([
    [t("Kind"), nameOfKind(picture.kind)],
    [t("Model"), model && `${labelOf("model", model.name)} (${model.hash.slice(0, 10)})`],
    [t("Sampler"), request.sampler && labelOf("sampler", request.sampler)],
    [t("Schedule"), request.schedule && labelOf("schedule", request.schedule)],
    [t("Steps"), request.steps],
    [t("Guidance"), request.guidance],
    [t("Seed"), picture.seed],
    [t("Variation"), variation && t("{seed}, strength {strength}", { seed: variation.seed, strength: variation.strength })],
    [t("Strength"), request.strength],
    [t("Size"), `${picture.width} × ${picture.height}`],
    [t("File"), t("{format}, {size}", { format: picture.format.toUpperCase(), size: sizeOf(picture.bytes) })],
    [t("Time"), timings && duration(timings.seconds)],
  ]);
  return pairs.flatMap(([name, value]) => (value === undefined || value === null || value === "" ? [] : [[name, String(value)]]));
}
