/** The table: job cards, newest first. A reload finds all of them again on the server. */

import { listJobs, persist } from "./api.js";
import { Card } from "./card.js";
import { byId } from "./dom.js";
import { isOver, jobs, newestFirst } from "./jobs.js";
import { glide } from "./glide.js";
import { follow, unfollow } from "./poll.js";

const PAGE = 20; // jobs

/** @typedef {import("./types.js").Job} Job */

const table = byId("jobs");
/** @type {Map<string, Card>} */ const cards = new Map();
/** @type {string | null} */ let cursor = null; // where older jobs begin

/** What glides when the list changes: in a job pictures and slip apart, since the newest job's are larger. */
const movable = () => [...table.querySelectorAll(".job, .frames, .slip"), byId("older")];

/** @param {Job} job @param {Job | undefined} before @param {import("./picture.js").Actions} actions */
function show(job, before, actions) {
  const card = cards.get(job.id);
  if (!card) insert(new Card(job, actions));
  else if (before?.state === job.state) card.update(job);
  else glide(movable(), () => card.update(job));
  if (before?.state !== job.state || before.paused !== job.paused) showPlaces();
}

/** @param {Card} card */
function insert(card) {
  const next = [...cards.values()].filter((other) => newestFirst(card.job, other.job) < 0).sort((a, b) => newestFirst(a.job, b.job))[0];
  cards.set(card.job.id, card);
  card.update(card.job);
  glide(next ? movable() : [], () => table.insertBefore(card.node, next?.node ?? null));
}

/** Which jobs can change places, now that one came, went or paused. */
function showPlaces() {
  for (const job of jobs.unfinished) cards.get(job.id)?.steering.update(job);
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

/** The newest page once more: what is new in it, what another tab has changed, and what is gone from it. */
export async function refresh() {
  const before = jobs.all;
  const { jobs: found } = await listJobs({ limit: PAGE });
  for (const job of found) {
    jobs.put(job);
    if (!isOver(job)) follow(job.id);
  }
  const here = new Set(found.map(({ id }) => id));
  const oldest = found.length < PAGE ? 0 : Date.parse(found[found.length - 1].created_at);
  const gone = before.filter((job) => !here.has(job.id) && Date.parse(job.created_at) > oldest);
  for (const { id } of gone) {
    unfollow(id);
    jobs.forget(id);
  }
}

export async function showOlder() {
  if (cursor) cursor = await take({ limit: PAGE, cursor });
  byId("older").hidden = !cursor;
}

/** @param {import("./picture.js").Actions} actions */
export function startTable(actions) {
  jobs.addEventListener("change", (event) => {
    const { job, before } = /** @type {CustomEvent<{job: Job, before?: Job}>} */ (event).detail;
    show(job, before, actions);
    showEmpty();
  });
  jobs.addEventListener("preview", (event) => {
    const { id, index, blob } = /** @type {CustomEvent<{id: string, index: number, blob: Blob}>} */ (event).detail;
    cards.get(id)?.preview(index, blob);
  });
  jobs.addEventListener("gone", (event) => {
    const id = /** @type {CustomEvent<string>} */ (event).detail;
    glide(movable(), () => cards.get(id)?.node.remove());
    cards.delete(id);
    showPlaces();
    showEmpty();
  });
}
