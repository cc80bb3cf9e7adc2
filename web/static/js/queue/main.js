/** Puts the queue's page together: what runs and waits, what has ended, who works, and what failed. */

import { startAccess } from "../access.js";
import { getMe, listActive, listJobs, listLetters, persist } from "../api.js";
import { byId, confirming } from "../dom.js";
import { tn } from "../i18n.js";
import { isOver } from "../jobs.js";
import { plain } from "../kinds.js";
import { complain, undoLast } from "../toast.js";
import { startHelp } from "../help.js";
import { startService } from "../service.js";
import { Actions } from "./actions.js";
import { startDragging } from "./drag.js";
import { startKeys } from "./keys.js";
import { showLetters } from "./letters.js";
import { movable } from "./order.js";
import { Rows } from "./rows.js";
import { sayChanges } from "./say.js";
import { howTrue, summary } from "./times.js";
import { Watch } from "./watch.js";
import { showWorkers } from "./workers.js";

/** @typedef {import("../types.js").Job} Job */

const LATELY = 12 * 3_600_000; // ms that an ended job is shown
const ENDED = 20; // of them, at most
const PREVIEWED = 8; // jobs whose previews are fetched
const AGAIN = 60_000; // ms after which what has ended is looked at again in any case

const actions = new Actions(() => {
  endedAt = -Infinity;
  watch.soon();
});
const rows = new Rows(actions);
const watch = new Watch(look);

/** @type {Job[]} */ let active = [];
/** @type {Job[]} */ let ended = [];
/** @type {import("../types.js").Worker[]} */ let workers = [];
let held = false; // whether the whole queue is paused
let total = 0;
let endedAt = -Infinity; // when what has ended was looked at
let me = ""; // whose key this is
let admin = false;

/** One look at all of it; the seconds until the next. */
async function look() {
  try {
    const before = new Map([...active, ...ended].map((job) => [job.id, job]));
    const told = await persist(listActive);
    active = told.jobs.map(plain);
    total = told.total;
    await lookAtEnded(before);
    show();
    sayChanges(before, [...active, ...ended].filter(({ owner }) => owner === me));
    await Promise.all(active.filter(({ state }) => state === "running").slice(0, PREVIEWED).map(({ id }) => rows.get(id)?.develop()));
  } catch (error) {
    complain(error);
    return 15;
  }
  const running = active.some(({ state }) => state === "running");
  return (running ? 1.5 : active.length ? 3 : 6) + active.length / 25; // a long list is a long answer
}

async function learnWho() {
  const { owner, scopes } = await persist(getMe);
  me = owner;
  admin = scopes.includes("admin");
}

/** Where a job has left the queue, or a while has passed. @param {Map<string, Job>} before */
async function lookAtEnded(before) {
  const here = new Set(active.map(({ id }) => id));
  const left = [...before.values()].some((job) => !isOver(job) && !here.has(job.id));
  if (!left && performance.now() < endedAt + AGAIN) return;
  await learnWho();
  const { jobs } = await persist(() => listJobs({ ended: "true", limit: 50 }));
  const since = Date.now() - LATELY;
  const when = (/** @type {Job} */ job) => Date.parse(job.finished_at ?? "");
  ended = jobs.filter((job) => when(job) > since && !here.has(job.id)).sort((a, b) => when(b) - when(a)).slice(0, ENDED).map(plain);
  if (admin) showLetters((await persist(listLetters)).dead_letters, actions, { now: Date.now(), me });
  endedAt = performance.now();
}

function show() {
  const now = Date.now();
  const around = { now, held, me, movable: (/** @type {Job} */ job) => movable(active, job) };
  byId("empty").hidden = active.length > 0;
  byId("ended-part").hidden = ended.length === 0;
  rows.show([{ list: byId("active"), jobs: active }, { list: byId("ended"), jobs: ended }], around);
  byId("active").removeAttribute("aria-busy");
  byId("summary").textContent = summary(active, total, now, held);
  byId("left").hidden = total <= active.length;
  byId("left").textContent = tn("And {count} more, further back.", "And {count} more, further back.", total - active.length);
  showClear(active.some((job) => job.state === "queued" && job.owner === me));
  showWorkers(workers, active);
}

/** Its room is kept; what has the focus and goes hands it on. @param {boolean} any  whether there is something to clear */
function showClear(any) {
  const clear = byId("clear");
  if (!any && document.activeElement === clear) byId("active-title").focus();
  clear.classList.toggle("reserved", !any);
}

/** @param {import("../types.js").Queue} queue */
async function showQueue(queue) {
  workers = queue.workers;
  if (held !== queue.paused) watch.soon();
  held = queue.paused;
  showWorkers(workers, active);
  byId("held").hidden = !held;
  byId("estimates").textContent = howTrue(queue.estimates);
}

confirming(byId("clear"), () => actions.clear());
confirming(byId("purge"), () => actions.purgeAll());
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") {
    event.preventDefault();
    undoLast();
  }
});
startAccess();
startHelp();
startKeys(byId("lists"), rows);
startDragging(byId("lists"), { rows, actions, queue: () => active });
startService(showQueue);
watch.start();
