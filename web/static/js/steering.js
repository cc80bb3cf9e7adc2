/** What steers one job, on its card: pause, its place among one's own, another try. What is refused is told there too. */

import { listJobs, moveJob, pauseJob, resumeJob, retryJob, setPriority } from "./api.js";
import { el, relabel, textButton } from "./dom.js";
import { standing } from "./format.js";
import { t } from "./i18n.js";
import { isOver, jobs } from "./jobs.js";
import { follow } from "./poll.js";
import { PRIORITIES, PriorityChoice } from "./priority.js";
import { say } from "./progress.js";

/** @typedef {import("./types.js").Job} Job */

export class Steering {
  #busy = false;

  /** @param {Job} job */
  constructor(job) {
    this.job = job;
    this.hold = textButton("pause", t("Pause"), () => this.#steer(() => this.#toggle()));
    this.again = textButton("again", t("Try again"), () => this.#steer(() => this.#retry()));
    this.place = el(
      "div",
      { class: "place", role: "group", "aria-label": t("Place among your waiting jobs") },
      this.#mover("first", t("First"), t("First of your waiting jobs")),
      this.#mover("earlier", t("Sooner"), t("Sooner, by one job")),
      this.#mover("later", t("Later"), t("Later, by one job")),
    );
    this.priority = new PriorityChoice("quiet", (priority) => this.#steer(() => this.#prioritize(priority)));
    this.refusal = el("p", { class: "refusal", role: "alert" });
  }

  /** @param {Job} job */
  update(job) {
    this.job = job;
    relabel(this.hold, job.paused ? "play" : "pause", job.paused ? t("Resume") : t("Pause"));
    this.hold.hidden = isOver(job);
    const chosen = this.priority.node.contains(document.activeElement);
    this.priority.update(job);
    if (chosen && this.priority.node.hidden) (this.hold.hidden ? this.again : this.hold).focus();
    this.again.hidden = job.state !== "failed" && job.state !== "cancelled";
    const movable = waits(job) && jobs.unfinished.some((other) => other.id !== job.id && sameLine(other, job));
    if (!movable && this.place.contains(document.activeElement)) (this.hold.hidden ? this.again : this.hold).focus();
    this.place.classList.toggle("reserved", !movable); // its room is kept until the job is over
    this.place.hidden = isOver(job);
  }

  /** @param {"first" | "earlier" | "later"} to @param {string} text @param {string} label */
  #mover(to, text, label) {
    const move = () => this.#steer(() => this.#move(to));
    return el("button", { type: "button", class: "quiet", text, title: label, "aria-label": label, on: { click: move } });
  }

  /** One thing at a time; where it fails, say so beside the buttons. @param {() => Promise<void>} act */
  async #steer(act) {
    if (this.#busy) return;
    this.#busy = true;
    this.refusal.textContent = "";
    try {
      await act();
    } catch (error) {
      this.refusal.textContent = error instanceof Error ? error.message : String(error);
      this.priority.update(this.job); // as it is, and not as it was to be
    } finally {
      this.#busy = false;
    }
  }

  async #toggle() {
    jobs.put(await (this.job.paused ? resumeJob : pauseJob)(this.job.id));
  }

  /** @param {"first" | "earlier" | "later"} to */
  async #move(to) {
    const moved = await moveJob(this.job.id, to);
    await putAll(moved);
    say(t("Moved. {standing}", { standing: standing(moved) }));
  }

  /** @param {import("./types.js").Priority} priority */
  async #prioritize(priority) {
    const changed = await setPriority(this.job.id, priority);
    await putAll(changed);
    say(t("{priority}. {standing}", { priority: PRIORITIES[priority], standing: standing(changed) }));
  }

  async #retry() {
    const job = await retryJob(this.job.id);
    jobs.put(job);
    follow(job.id);
    say(t("Trying again. {standing}", { standing: standing(job) }));
  }
}

/** A job that has another place now, and so have the others. @param {Job} changed */
async function putAll(changed) {
  const { jobs: waiting } = await listJobs({ state: "queued", limit: 100 });
  for (const job of [...waiting, changed]) jobs.put(job);
}

/** Whether it stands in a line. @param {Job} job */
function waits(job) {
  return job.state === "queued" && !job.paused;
}

/** Whether two can change places. @param {Job} one @param {Job} other */
function sameLine(one, other) {
  return waits(one) && waits(other) && one.request.model === other.request.model;
}
