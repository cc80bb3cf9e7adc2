/** How the service stands, in the header: ready, busy, warming up, or out of reach. */

import { connection, getQueue, steerQueue } from "./api.js";
import { byId, relabel } from "./dom.js";
import { t, tn } from "./i18n.js";
import { jobs } from "./jobs.js";

/** @typedef {import("./types.js").Job} Job */

const EVERY = 5000; // ms
const line = byId("service");
const hold = byId("hold-queue");
let held = false; // whether the queue is paused
let trouble = "";

/** @param {string} text @param {"good" | "slow" | "bad"} mood */
function say(text, mood) {
  if (line.textContent !== text) line.textContent = text;
  line.dataset.mood = mood;
}

/** @param {import("./types.js").Queue} queue */
function sayQueue({ paused, queued, running, workers }) {
  held = paused;
  relabel(hold, held ? "play" : "pause", held ? t("Resume queue") : t("Pause queue"));
  const ready = workers.filter((worker) => worker.ready);
  if (!workers.length) return say(t("No worker is running. Jobs wait until one starts."), "bad");
  if (!ready.length) return say(t("Warming up"), "slow");
  const parts = paused ? [t("Paused")] : running ? [] : [t("Ready")];
  if (running) parts.push(tn("{count} job developing", "{count} jobs developing", running));
  if (queued) parts.push(tn("{count} waiting", "{count} waiting", queued));
  return say(parts.join(" · "), paused ? "slow" : "good");
}

async function toggleHold() {
  try {
    sayQueue(await steerQueue(held ? "resume" : "pause"));
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), "bad");
  }
}

/** @param {(queue: import("./types.js").Queue) => Promise<void>} [also]  done at every look, with what was seen */
export function startService(also = async () => {}) {
  connection.addEventListener("trouble", (event) => {
    trouble = /** @type {CustomEvent<string>} */ (event).detail;
    say(t("{trouble} Trying again.", { trouble }), "bad");
  });
  connection.addEventListener("calm", () => {
    trouble = "";
  });
  let looking = false; // one look at a time: it may have to wait until somebody has signed in
  const look = async () => {
    if (document.hidden || looking) return;
    looking = true;
    try {
      const queue = await getQueue();
      sayQueue(queue);
      await also(queue);
    } catch (error) {
      say(t("{trouble} Trying again.", { trouble: error instanceof Error ? error.message : String(error) }), "bad");
    } finally {
      looking = false;
    }
  };
  look();
  hold.addEventListener("click", toggleHold);
  jobs.addEventListener("change", (event) => {
    const { job, before } = /** @type {CustomEvent<{job: Job, before?: Job}>} */ (event).detail;
    if (before && before.state !== job.state) look();
  });
  window.setInterval(look, EVERY);
  document.addEventListener("visibilitychange", look);
}
