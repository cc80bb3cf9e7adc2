/** The workers, one card each: what it is, what it has, what it is doing and with how much memory. */

import { byId, el } from "../dom.js";
import { list } from "../format.js";
import { locale, t, tn } from "../i18n.js";
import { nameOf } from "./row.js";

/**
 * @typedef {import("../types.js").Job} Job
 * @typedef {import("../types.js").Worker} Worker
 */

const place = byId("workers");
/** @type {Map<string, Card>} */ const cards = new Map();
const gigabytes = new Intl.NumberFormat(locale, { maximumSignificantDigits: 2 });

/** @param {Worker[]} workers @param {Job[]} jobs  those that run, as far as one may see them */
export function showWorkers(workers, jobs) {
  const here = new Set(workers.map(({ id }) => id));
  for (const [id, card] of cards) {
    if (here.has(id)) continue;
    card.node.remove();
    cards.delete(id);
  }
  for (const worker of [...workers].sort((a, b) => a.id.localeCompare(b.id))) {
    const card = cards.get(worker.id) ?? new Card();
    cards.set(worker.id, card);
    card.update(worker, jobs.filter((job) => job.state === "running" && job.worker === worker.id));
    if (!card.node.isConnected) place.append(card.node);
  }
  byId("no-workers").hidden = workers.length > 0;
}

class Card {
  constructor() {
    this.name = el("h3");
    this.about = el("p", { class: "hint" });
    this.doing = el("p", { class: "worker-doing" });
    this.jobs = el("ul", { class: "worker-jobs" });
    this.memory = el("p", { class: "hint" });
    this.filled = el("span");
    this.meter = el("div", { class: "bar", role: "meter", "aria-label": t("Memory"), "aria-valuemin": 0, "aria-valuemax": 100 }, this.filled);
    this.node = el("li", { class: "worker" }, this.name, this.about, this.doing, this.jobs, this.meter, this.memory);
  }

  /** @param {Worker} worker @param {Job[]} jobs */
  update(worker, jobs) {
    write(this.name, worker.device === "cpu" ? t("Processor") : worker.device);
    write(this.about, aboutOf(worker));
    write(this.doing, doingOf(worker));
    this.node.dataset.mood = worker.ready ? "good" : "slow";
    const names = jobs.map(nameOf);
    if (names.join("\n") !== [...this.jobs.children].map((child) => child.textContent).join("\n")) {
      this.jobs.replaceChildren(...names.map((text) => el("li", { text })));
    }
    const { memory } = worker;
    this.meter.hidden = !memory;
    this.memory.hidden = !memory;
    if (memory) this.#fill(memory);
  }

  /** @param {{used: number, total: number}} memory  bytes */
  #fill({ used, total }) {
    const text = t("{used} of {total} GB of memory", { used: inGigabytes(used), total: inGigabytes(total) });
    write(this.memory, text);
    this.meter.setAttribute("aria-valuenow", String(Math.round((100 * used) / total)));
    this.meter.setAttribute("aria-valuetext", text);
    this.filled.style.setProperty("--done", String(Math.min(1, used / total)));
  }
}

/** @param {number} bytes */
const inGigabytes = (bytes) => gigabytes.format(bytes / 1e9);

/** @param {Worker} worker */
function aboutOf({ id, host, models }) {
  return [list(models.map(({ label }) => label)), id === host ? host : list([id, host])].join(" · ");
}

/** @param {Worker} worker */
function doingOf({ busy, rows, ready, counters }) {
  const told = [];
  if (!ready) told.push(busy ? t("Ending what it has, and taking no more") : t("Not ready"));
  if (busy) told.push(tn("{count} job", "{count} jobs", busy), tn("{count} row in flight", "{count} rows in flight", rows));
  else if (ready) told.push(t("Idle"));
  if (counters.compiling) told.push(t("compiling, so steps may take longer"));
  if (counters.images) told.push(tn("{count} picture so far", "{count} pictures so far", counters.images));
  return told.join(" · ");
}

/** @param {Element} node @param {string} text */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
