/** The panel's progress bar, and what is said aloud: the newest job that is not over, then how it ended. */

import { byId } from "./dom.js";
import { standing } from "./format.js";
import { t, tn } from "./i18n.js";
import { isOver, jobs } from "./jobs.js";
import { failure } from "./reports.js";

/** @typedef {import("./types.js").Job} Job */

const bar = byId("progress");
const text = byId("progress-text");
let told = ""; // the job that the line is about

/** Said while a full queue makes a request wait. @param {string} message @param {number} seconds */
export function sayWaiting(message, seconds) {
  text.textContent = t("{message} Trying again in {seconds} s; Esc stops.", { message, seconds: Math.ceil(seconds) });
}

/** @param {Job | undefined} job @param {boolean} active */
function show(job, active) {
  told = job?.id ?? "";
  const fraction = job?.state === "succeeded" ? 1 : (job?.progress.fraction ?? 0);
  bar.setAttribute("aria-valuenow", String(Math.round(fraction * 100)));
  bar.setAttribute("aria-valuetext", job ? standing(job) : "");
  bar.firstElementChild.style.setProperty("--done", String(fraction));
  bar.classList.toggle("idle", !active);
  text.textContent = job ? standing(job) + others(active) : "";
  byId("cancel").disabled = !active;
  byId("lamp").classList.toggle("lit", active && !job?.paused);
}

/** @param {boolean} active */
function others(active) {
  const more = jobs.unfinished.length - 1;
  return active && more > 0 ? ` · ${tn("{count} more", "{count} more", more)}` : "";
}

/** For ears only; the same words twice are said twice. @param {string} words */
export function say(words) {
  const place = byId("announce");
  place.textContent = place.textContent === words ? `${words}\u00a0` : words;
}

/** Changes worth a word; steps are not. @param {Job} job @param {Job | undefined} before */
function announce(job, before) {
  let words = "";
  if (before && (before.state !== job.state || before.paused !== job.paused)) words = job.error ? t("Failed: {why}", { why: failure(job.error) }) : standing(job);
  else if (before && before.images.length < job.images.length && !isOver(job)) words = standing(job);
  if (words) say(words);
}

export function startProgress() {
  jobs.addEventListener("change", (event) => {
    const { job, before } = /** @type {CustomEvent<{job: Job, before?: Job}>} */ (event).detail;
    const { current } = jobs;
    if (current) show(current, true);
    else if ((before && !isOver(before)) || job.id === told) show(job, false); // one that is over may lose pictures
    announce(job, before);
  });
  jobs.addEventListener("gone", () => show(jobs.current, Boolean(jobs.current)));
}
