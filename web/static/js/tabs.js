/** Tabs of one browser agree: each tells the others that something changed, and whoever hears it asks the server. */

import { jobs } from "./jobs.js";

/** @typedef {import("./types.js").Job} Job */
/** @typedef {"jobs" | "pictures"} Topic  a favourite is no matter of jobs: the library has it */

const SOON = 300; // ms; several changes are one look
const channels = { jobs: new BroadcastChannel("darkroom.jobs"), pictures: new BroadcastChannel("darkroom.pictures") };

/** @param {Topic} topic */
export const tell = (topic) => channels[topic].postMessage("changed");

/** Look anew when another tab tells of changes; while nobody sees this one, when it is seen again. @param {Topic} topic @param {() => Promise<void>} look */
export function hear(topic, look) {
  let timer = 0;
  let missed = false; // something happened while nobody looked
  const soon = () => {
    missed = document.hidden;
    window.clearTimeout(timer);
    if (!missed) timer = window.setTimeout(() => look().catch(() => {}), SOON); // the header tells of trouble
  };
  channels[topic].addEventListener("message", soon);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && missed) soon();
  });
}

/** Whether others have to hear of it: steps and states they see by themselves. @param {Job} job @param {Job | undefined} before */
const matters = (job, before) => !before || before.paused !== job.paused || before.images.length > job.images.length;

/** @param {() => Promise<void>} look  at the jobs there are */
export function startTabs(look) {
  hear("jobs", look);
  jobs.addEventListener("gone", () => {
    tell("jobs");
    tell("pictures");
  });
  jobs.addEventListener("change", (event) => {
    const { job, before } = /** @type {CustomEvent<{job: Job, before?: Job}>} */ (event).detail;
    if (matters(job, before)) tell("jobs");
    if (before && before.images.length !== job.images.length) tell("pictures");
  });
}
