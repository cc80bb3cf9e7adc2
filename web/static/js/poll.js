/**
 * Follows jobs until they are over.
 *
 * A browser opens six connections to a server, over all tabs: at most two wait for news (`?wait`), the other jobs are
 * looked at every few seconds.
 */

import { getJob, pause, persist, preview, Problem } from "./api.js";
import { isOver, jobs } from "./jobs.js";

const WAIT = 4; // seconds a call waits for news
const LOOK = 3; // seconds between looks at a job that nobody waits for
const UNSEEN = 15; // seconds between looks while nobody sees the page
const BREATH = 0.1; // seconds between two calls for one job
const PREVIEW = 0.3; // seconds between previews
const SLOTS = 2; // calls that wait, at a time
const PREVIEWED = 8; // pictures of a job whose previews are fetched by turns

/** @type {Map<string, AbortController>} */ const followed = new Map();
let waiting = 0;

/** Follow a job, unless it is followed already. @param {string} id */
export async function follow(id) {
  if (followed.has(id)) return;
  const controller = new AbortController();
  followed.set(id, controller);
  showPreviews(id, controller.signal).catch(ignoreAbort);
  try {
    await watch(id, controller.signal);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) jobs.forget(id);
    else ignoreAbort(error);
  } finally {
    controller.abort();
    followed.delete(id);
  }
}

/** @param {string} id */
export function unfollow(id) {
  followed.get(id)?.abort();
}

/** @param {string} id @param {AbortSignal} signal */
async function watch(id, signal) {
  for (;;) {
    const job = jobs.get(id);
    if (!job || isOver(job)) return;
    const near = job.state === "running" || (!job.paused && (job.progress.position ?? 0) === 0);
    const patient = near && waiting < SLOTS && !document.hidden;
    waiting += patient ? 1 : 0;
    try {
      const news = await persist(() => look(job, patient, signal), { signal });
      if (news) jobs.put(news);
    } finally {
      waiting -= patient ? 1 : 0;
    }
    await (document.hidden ? unseen(signal) : pause(patient ? BREATH : LOOK, signal));
  }
}

/** A long pause, which ends when the page is seen again. @param {AbortSignal} signal @returns {Promise<void>} */
function unseen(signal) {
  return new Promise((resolve, reject) => {
    const go = () => {
      document.removeEventListener("visibilitychange", go);
      resolve();
    };
    document.addEventListener("visibilitychange", go);
    pause(UNSEEN, signal).then(go, reject);
  });
}

/**
 * The job as it is now, if it is not as it was; else, when patient, as soon as it changes. `?wait` compares with what it
 * finds when it arrives, so what changed since the last answer has to be looked for first.
 * @param {import("./types.js").Job} known @param {boolean} patient @param {AbortSignal} signal
 */
async function look(known, patient, signal) {
  const news = await getJob(known.id, 0, signal);
  return patient && news && same(news, known) ? getJob(known.id, WAIT, signal) : news;
}

/** @param {import("./types.js").Job} a @param {import("./types.js").Job} b */
function same(a, b) {
  return a.state === b.state && a.paused === b.paused && a.progress.step === b.progress.step && a.images.length === b.images.length;
}

/**
 * Fires `preview` (detail: {id, index, blob}) on `jobs` while the job runs.
 * @param {string} id @param {AbortSignal} signal
 */
async function showPreviews(id, signal) {
  for (let turn = 0; ; turn += 1) {
    const job = jobs.get(id);
    const url = job?.progress.preview_url;
    if (job && url && !document.hidden) {
      const missing = unmade(job).slice(0, PREVIEWED);
      const index = missing[turn % Math.max(1, missing.length)];
      const blob = index === undefined ? null : await preview(url, index, signal).catch(noPreview);
      if (blob) jobs.dispatchEvent(new CustomEvent("preview", { detail: { id, index, blob } }));
    }
    await pause(PREVIEW, signal);
  }
}

/** Numbers of the pictures still to come. @param {import("./types.js").Job} job */
function unmade(job) {
  const made = new Set(job.images.map((image) => image.index));
  return Array.from({ length: job.pictures }, (_, index) => index).filter((index) => !made.has(index));
}

/** A preview is a courtesy: one that fails is left out. @param {Error} error */
function noPreview(error) {
  if (error.name === "AbortError") throw error;
  return null;
}

/** @param {unknown} error */
function ignoreAbort(error) {
  if (!(error instanceof DOMException && error.name === "AbortError")) throw error;
}
