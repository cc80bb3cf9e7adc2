/** The table: job cards, newest first. A reload finds all of them again on the server. */

import { listJobs, persist } from "./api.js";
import { Card } from "./card.js";
import { byId } from "./dom.js";
import { isOver, jobs, newestFirst } from "./jobs.js";
import { follow } from "./poll.js";

const PAGE = 20; // jobs

/** @typedef {import("./types.js").Job} Job */

const table = byId("jobs");
/** @type {Map<string, Card>} */ const cards = new Map();
/** @type {string | null} */ let cursor = null; // where older jobs begin

/** @param {Job} job @param {import("./picture.js").Actions} actions */
function place(job, actions) {
  const card = cards.get(job.id);
  if (card) return card.update(job);
  const made = new Card(job, actions);
  const next = [...cards.values()].filter((other) => newestFirst(job, other.job) < 0).sort((a, b) => newestFirst(a.job, b.job))[0];
  cards.set(job.id, made);
  table.insertBefore(made.node, next?.node ?? null);
  return undefined;
}

function showEmpty() {
  byId("empty").hidden = !jobs.empty;
}

/** @param {Record<string, string | number>} query */
async function take(query) {
  const { jobs: found, next_cursor: next } = await persist(() => listJobs(query));
  for (const job of found) {
    jobs.put(job);
    if (!isOver(job)) follow(job.id);
  }
  return next;
}

/** The newest page, and every job still on its way, however old. */
export async function showJobs() {
  cursor = await take({ limit: PAGE });
  byId("older").hidden = !cursor;
  showEmpty();
  await Promise.all(["running", "queued"].map((state) => take({ state, limit: 100 })));
}

export async function showOlder() {
  if (cursor) cursor = await take({ limit: PAGE, cursor });
  byId("older").hidden = !cursor;
}

/** @param {import("./picture.js").Actions} actions */
export function startTable(actions) {
  jobs.addEventListener("change", (event) => {
    place(/** @type {CustomEvent<{job: Job}>} */ (event).detail.job, actions);
    showEmpty();
  });
  jobs.addEventListener("preview", (event) => {
    const { id, index, blob } = /** @type {CustomEvent<{id: string, index: number, blob: Blob}>} */ (event).detail;
    cards.get(id)?.preview(index, blob);
  });
  jobs.addEventListener("gone", (event) => {
    const id = /** @type {CustomEvent<string>} */ (event).detail;
    cards.get(id)?.node.remove();
    cards.delete(id);
    showEmpty();
  });
}
