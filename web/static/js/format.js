/** Numbers and names as people read them. */

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 1) return "under a second";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** @param {number} bytes */
export function megabytes(bytes) {
  return `${Math.round(bytes / 1024 / 1024)} MB`;
}

/** @param {number} many @param {string} one @param {string} [more] */
export function plural(many, one, more = `${one}s`) {
  return `${many} ${many === 1 ? one : more}`;
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
  const { state, progress } = job;
  if (state === "queued") {
    if (job.paused) return "Paused";
    const ahead = progress.position ? `${plural(progress.position, "job")} ahead` : "next in line";
    const starts = progress.starts_in_seconds;
    const when = starts === null || starts === undefined ? "" : `, starts in ${duration(starts)}`;
    return `${job.attempts > 0 ? "Waiting to start again" : "Waiting"}, ${ahead}${when}`;
  }
  if (state === "running") return job.paused ? "Pausing" : developing(job);
  if (state === "cancelled") return "Cancelled";
  if (state === "failed") return "Failed";
  if (job.verification) return verdict(job.verification);
  const made = new Set(job.images.map((image) => image.index)).size;
  return `${plural(made, "picture")}${job.started_at ? ` in ${duration(elapsed(job))}` : ""}`;
}

/** @param {NonNullable<import("./types.js").Job["verification"]>} verification */
function verdict({ same, reasons }) {
  return same ? "Made again: the same, byte for byte" : `Made again, and not the same: ${reasons.join("; ")}`;
}

/** @param {import("./types.js").Job} job */
function developing({ progress, pictures, images }) {
  if (!progress.step) return "Getting ready";
  const parts = [`Step ${progress.step} of ${progress.steps}`];
  const made = images.filter((image) => image.role !== "raw").length;
  if (pictures > 1) parts.push(`${made} of ${pictures} done`);
  if (progress.step >= progress.steps) parts.push("finishing");
  else if (progress.eta_seconds !== null) parts.push(`${duration(progress.eta_seconds)} left`);
  return parts.join(" · ");
}

/** Seconds a finished job ran. @param {import("./types.js").Job} job */
function elapsed(job) {
  return (Date.parse(job.finished_at ?? "") - Date.parse(job.started_at ?? "")) / 1000;
}
