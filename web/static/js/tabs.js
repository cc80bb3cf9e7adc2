/** Tabs of one browser agree: each tells the others when its jobs change, and looks anew when it is seen again. */

import { jobs } from "./jobs.js";

/** @typedef {import("./types.js").Job} Job */

const SOON = 300; // ms; several changes are one look
const channel = new BroadcastChannel("darkroom.jobs");

/** Whether others have to hear of it: steps and states they see by themselves. @param {Job} job @param {Job | undefined} before */
const matters = (job, before) => !before || before.paused !== job.paused || before.images.length > job.images.length;

/** @param {() => Promise<void>} look  at the jobs there are */
export function startTabs(look) {
  let timer = 0;
  let missed = false; // something happened while nobody looked
  const soon = () => {
    missed = document.hidden;
    window.clearTimeout(timer);
    if (!missed) timer = window.setTimeout(() => look().catch(() => {}), SOON); // the header tells of trouble
  };
  const tell = () => channel.postMessage("changed");
  channel.addEventListener("message", soon);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && missed) soon();
  });
  jobs.addEventListener("gone", tell);
  jobs.addEventListener("change", (event) => {
    const { job, before } = /** @type {CustomEvent<{job: Job, before?: Job}>} */ (event).detail;
    if (matters(job, before)) tell();
  });
}
