/** Who stands where. Among themselves only the jobs of one owner and one model change places: they are a line. */

/** @typedef {import("../types.js").Job} Job */

/** Whether it stands in a line. One that crashed a worker (a suspect) has no place: it runs alone, before others. @param {Job} job */
export const waits = (job) => job.state === "queued" && !job.paused && job.progress.position !== null;

/** The line that a job stands in, in order; none where it stands in none. @param {Job[]} jobs  in the queue's order @param {Job} job */
export function lineOf(jobs, job) {
  if (!waits(job)) return [];
  return jobs.filter((other) => waits(other) && other.owner === job.owner && (other.request.model ?? "") === (job.request.model ?? ""));
}

/** Whether a job has somebody before it, and behind it, with whom it can change places. @param {Job[]} jobs @param {Job} job */
export function movable(jobs, job) {
  const line = lineOf(jobs, job);
  const at = line.findIndex(({ id }) => id === job.id);
  return { earlier: at > 0, later: at >= 0 && at < line.length - 1 };
}

/**
 * Where a job goes that is let fall on another: its place in its line, from 0, without itself; null where it may not go
 * there or would not move.
 * @param {Job[]} jobs @param {Job} job @param {Job} target @param {boolean} after  whether below its middle
 */
export function placeAt(jobs, job, target, after) {
  const line = lineOf(jobs, job);
  const from = line.findIndex(({ id }) => id === job.id);
  const others = line.filter(({ id }) => id !== job.id);
  const at = others.findIndex(({ id }) => id === target.id);
  if (at < 0) return null;
  const to = at + (after ? 1 : 0);
  return to === from ? null : to;
}
