/** Numbers, times and names as people write them in the page's language. */

import { locale, t, tn } from "./i18n.js";
import { worded } from "./reports.js";

/** @param {number} value @param {number} [digits] after the point */
export function number(value, digits = 0) {
  return new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

/** @param {number} part  0 to 1 */
export function percent(part) {
  return new Intl.NumberFormat(locale, { style: "percent" }).format(part);
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 1) return t("under a second");
  if (seconds < 10) return t("{seconds} s", { seconds: number(seconds, 1) });
  if (seconds < 90) return t("{seconds} s", { seconds: number(seconds) });
  if (seconds < 5400) return t("{minutes} min", { minutes: number(seconds / 60) });
  return t("{hours} h", { hours: number(seconds / 3600, 1) });
}

/** @param {number} bytes */
export function megabytes(bytes) {
  return `${number(bytes / 1024 / 1024)} MB`;
}

/** What files take, in the unit that suits. @param {number} size  bytes */
export function bytes(size) {
  if (size < 2 ** 20) return `${number(size / 1024)} kB`;
  return size < 2 ** 30 ? megabytes(size) : `${number(size / 2 ** 30, 1)} GB`;
}

/** A day and a time of it. @param {string} time  of the API */
export function moment(time) {
  return new Date(time).toLocaleString(locale, { dateStyle: "long", timeStyle: "short" });
}

/** Things one after the other: a, b. @param {string[]} things */
export function list(things) {
  return things.join(t(", "));
}

/** Sentences one after the other. @param {string[]} sentences */
export function paragraph(sentences) {
  return sentences.join(t(" "));
}

/** The label a choice has in the form. @param {string} field @param {string} value */
export function labelOf(field, value) {
  const option = document.querySelector(`#${field} option[value="${CSS.escape(value)}"]`);
  return option?.textContent ?? value;
}

/**
 * One line that says how a job stands.
 * @param {import("./types.js").Job} job
 */
export function standing(job) {
  const { state } = job;
  if (state === "queued") return job.paused ? t("Paused") : waiting(job);
  if (state === "running") return job.paused ? t("Pausing") : developing(job);
  if (state === "cancelled") return t("Cancelled");
  if (state === "failed") return t("Failed");
  if (job.verification) return verdict(job.verification);
  const made = new Set(job.images.map((image) => image.index)).size;
  if (!job.started_at) return tn("{count} picture", "{count} pictures", made);
  return tn("{count} picture in {time}", "{count} pictures in {time}", made, { time: duration(elapsed(job)) });
}

/** @param {import("./types.js").Job} job */
function waiting({ attempts, progress }) {
  const { position, starts_in_seconds: starts } = progress;
  const parts = [attempts > 0 ? t("Waiting to start again") : t("Waiting")];
  parts.push(position ? tn("{count} job ahead", "{count} jobs ahead", position) : t("next in line"));
  if (starts !== null && starts !== undefined) parts.push(t("starts in {time}", { time: duration(starts) }));
  return list(parts);
}

/** @param {NonNullable<import("./types.js").Job["verification"]>} verification */
function verdict({ same, reasons }) {
  return same ? t("Made again: the same, byte for byte") : t("Made again, and not the same: {reasons}", { reasons: reasons.map(worded).join("; ") });
}

/** @param {import("./types.js").Job} job */
function developing({ progress, pictures, images }) {
  if (!progress.step) return t("Getting ready");
  const parts = [t("Step {step} of {steps}", { step: progress.step, steps: progress.steps })];
  const made = images.filter((image) => image.role !== "raw").length;
  if (pictures > 1) parts.push(t("{made} of {pictures} done", { made, pictures }));
  if (progress.step >= progress.steps) parts.push(t("finishing"));
  else if (progress.eta_seconds !== null) parts.push(t("{time} left", { time: duration(progress.eta_seconds) }));
  return parts.join(" · ");
}

/** Seconds a finished job ran. @param {import("./types.js").Job} job */
function elapsed(job) {
  return (Date.parse(job.finished_at ?? "") - Date.parse(job.started_at ?? "")) / 1000;
}
