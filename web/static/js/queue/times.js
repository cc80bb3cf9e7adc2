/** When: by the clock and from now, and how true that has been. */

import { percent } from "../format.js";
import { locale, t, tn } from "../i18n.js";

/** @typedef {import("../types.js").Job} Job */

const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const STEPS = /** @type {[Intl.RelativeTimeFormatUnit, number, number][]} */ ([
  ["second", 1, 55],
  ["minute", 60, 3300],
  ["hour", 3600, 36 * 3600],
  ["day", 86_400, Infinity],
]); // a unit, its seconds, and up to how many seconds it is used

/** "in 2 minutes", "5 minutes ago"; seconds in fives, or they would flicker. @param {number} seconds  from now */
export function fromNow(seconds) {
  const [unit, size] = STEPS.find(([, , most]) => Math.abs(seconds) < most) ?? STEPS[3];
  const many = unit === "second" ? 5 * Math.round(seconds / 5) : Math.round(seconds / size);
  return relative.format(many || 0, unit); // || 0: never -0
}

/** The time of day; of another day with its name. @param {number} time @param {number} now  ms since 1970 */
export function clock(time, now) {
  const today = new Date(time).toDateString() === new Date(now).toDateString();
  const day = /** @type {Intl.DateTimeFormatOptions} */ (today ? {} : { weekday: "short" });
  return new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", ...day }).format(time);
}

/**
 * When a job starts, is done, or ended, one line each: what is said, and how long that is from now.
 * @param {Job} job @param {number} now  ms @param {boolean} held  the whole queue is paused
 * @returns {{said: string, soon: string}[]}
 */
export function times({ state, paused, progress, finished_at: finished }, now, held = false) {
  const at = (/** @type {number} */ seconds) => ({ clock: clock(now + 1000 * seconds, now) });
  const { starts_in_seconds: starts, eta_seconds: eta } = progress;
  if (finished) {
    const seconds = Math.min(0, (Date.parse(finished) - now) / 1000);
    return [{ said: t("Ended {clock}", at(seconds)), soon: fromNow(seconds) }];
  }
  if (paused) return [];
  if (held && state === "queued") return [{ said: t("Once the queue is resumed"), soon: "" }];
  const lines = [];
  if (state === "queued" && known(starts)) lines.push({ said: t("Starts {clock}", at(starts)), soon: fromNow(starts) });
  if (known(eta)) lines.push({ said: t("Done {clock}", at(eta)), soon: fromNow(eta) });
  return lines.length ? lines : [{ said: t("When is not known yet"), soon: "" }];
}

/** @param {number | null | undefined} seconds @returns {seconds is number} */
const known = (seconds) => seconds !== null && seconds !== undefined;

/**
 * How all of it stands, in one line.
 * @param {Job[]} jobs @param {number} total  listed or not @param {number} now  ms @param {boolean} held  the whole queue is paused
 */
export function summary(jobs, total, now, held = false) {
  const running = jobs.filter(({ state }) => state === "running").length;
  const paused = jobs.filter((job) => job.paused && job.state === "queued").length;
  const waiting = total - running - paused;
  const told = [];
  if (running) told.push(tn("{count} developing", "{count} developing", running));
  if (waiting) told.push(tn("{count} waiting", "{count} waiting", waiting));
  if (paused) told.push(tn("{count} paused", "{count} paused", paused));
  const ends = jobs.filter((job) => !job.paused).map(({ progress }) => progress.eta_seconds);
  if (running + waiting && !(held && waiting) && ends.length === total - paused && ends.every(known)) {
    const last = Math.max(...ends.filter(known));
    told.push(t("all done {clock}, {soon}", { clock: clock(now + 1000 * last, now), soon: fromNow(last) }));
  }
  return told.join(" · ");
}

/** How well ends were told, in plain words. @param {import("../types.js").Accuracy} accuracy */
export function howTrue({ jobs, half_within: half, most_within: most }) {
  if (half === null || most === null) return t("Not known yet: it is counted once jobs have waited for others.");
  const values = { half: percent(half), most: percent(most) };
  if (jobs === 1) return t("The last job that waited took within {half} of the time it was told.", values);
  return tn(
    "Half of the last {count} jobs that waited took within {half} of the time they were told, nine in ten within {most}.",
    "Half of the last {count} jobs that waited took within {half} of the time they were told, nine in ten within {most}.",
    jobs,
    values,
  );
}
