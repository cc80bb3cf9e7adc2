/** One job on the page: its pictures beside what was asked for and how it stands. */

import { ContactSheet, isSheet } from "./contact.js";
import { confirming, el, textButton } from "./dom.js";
import { standing } from "./format.js";
import { Frame } from "./frame.js";
import { t } from "./i18n.js";
import { isOver } from "./jobs.js";
import { factsOf, fitsForm } from "./kinds.js";
import { picturesAt } from "./picture.js";
import { failure } from "./reports.js";
import { Steering } from "./steering.js";

/** @typedef {import("./types.js").Job} Job */

export class Card {
  /** @type {Map<number, Frame>} */ #frames = new Map();

  /** @param {Job} job @param {import("./picture.js").Actions} actions */
  constructor(job, actions) {
    this.job = job;
    this.frames = el("ol", { class: "frames", "data-many": job.pictures > 1 });
    this.sheet = isSheet(job) ? new ContactSheet(job, this.frames) : null;
    this.actions = { ...actions, open: (/** @type {Job} */ of, /** @type {number} */ index) => actions.open(of, index, this.sheet) };
    this.bar = el("span");
    this.progress = el(
      "div",
      { class: "bar", role: "progressbar", "aria-label": t("Progress"), "aria-valuemin": 0, "aria-valuemax": 100 },
      this.bar,
    );
    this.status = el("p", { class: "standing" });
    this.failure = el("p", { class: "failure", hidden: true });
    this.steering = new Steering(job);
    this.cancel = textButton("close", t("Cancel"), () => this.actions.cancel(this.job));
    this.remove = confirming(textButton("trash", t("Delete job")), () => this.actions.deleteJob(this.job));
    this.node = el("article", { class: "job", "data-job-id": job.id, "aria-label": job.request.prompt || t("Without a prompt") });
    this.tools = el("div", { class: "slip-tools" });
    this.slip = this.#slip();
    this.node.append(this.frames, this.slip);
    for (let index = 0; index < job.pictures; index += 1) this.#addFrame(index);
    if (job.kind === "grid" && this.frames.lastElementChild) this.frames.prepend(this.frames.lastElementChild);
    this.#size(job.request.width, job.request.height);
  }

  /** @param {Job} job */
  update(job) {
    const over = isOver(job);
    if (job.images.length > this.job.images.length || job.state !== this.job.state) this.#hold();
    this.job = job;
    this.node.dataset.state = job.state;
    this.status.textContent = standing(job);
    this.progress.classList.toggle("reserved", over);
    this.progress.setAttribute("aria-valuenow", String(Math.round(job.progress.fraction * 100)));
    this.bar.style.setProperty("--done", String(job.progress.fraction));
    this.cancel.hidden = over;
    this.remove.hidden = !over;
    this.steering.update(job);
    this.failure.hidden = !job.error;
    this.failure.textContent = job.error ? failure(job.error) : "";
    const first = job.images.find((image) => image.role === "output");
    if (first) this.#size(first.width, first.height);
    for (const { index } of job.images) if (index !== null && !this.#frames.has(index)) this.#addFrame(index);
    for (const [index, frame] of this.#frames) {
      const missing = (over || frame.done) && !picturesAt(job, index).output;
      if (!missing) frame.update(job);
      else if (this.sheet?.discarded(index)) frame.vacate();
      else this.#dropFrame(index);
    }
    this.sheet?.update(job);
    this.node.classList.toggle("bare", this.#frames.size === 0);
  }

  /** @param {number} index @param {Blob} blob */
  preview(index, blob) {
    this.#frames.get(index)?.preview(blob);
  }

  /** @param {number} index */
  #addFrame(index) {
    const frame = new Frame(this.job, index, this.actions, this.sheet?.choice(index));
    const next = [...this.#frames.values()].filter((other) => other.index > index).sort((a, b) => a.index - b.index)[0];
    this.#frames.set(index, frame);
    this.frames.insertBefore(frame.node, next?.node ?? null);
  }

  /** @param {number} index */
  #dropFrame(index) {
    this.#frames.get(index)?.node.remove();
    this.#frames.delete(index);
  }

  /** A job begins or a picture arrives, and some of the buttons go: what lies below stays where it is. */
  #hold() {
    for (const node of [this.slip, this.tools]) node.style.minHeight = `${node.offsetHeight}px`;
  }

  /** Every frame's place is kept from the start. @param {number} width @param {number} height pixels */
  #size(width, height) {
    this.frames.style.setProperty("--width", String(width));
    this.frames.style.setProperty("--ratio", String(width / height));
  }

  /** The slip of paper beside the pictures. */
  #slip() {
    const { request } = this.job;
    const { steering } = this;
    const again = textButton("settings", t("Same settings"), () => this.actions.sameSettings(this.job, null));
    again.hidden = !fitsForm(this.job);
    this.tools.append(again, steering.again, this.remove, steering.hold, this.cancel, steering.priority.node, steering.place);
    const negative = request.negative_prompt ? [el("p", { class: "asked-not", text: t("without {words}", { words: request.negative_prompt }) })] : [];
    return el(
      "div",
      { class: "slip" },
      el("p", { class: "asked", text: request.prompt || t("Without a prompt") }),
      ...negative,
      el("ul", { class: "facts" }, ...factsOf(this.job).map((fact) => el("li", { text: fact }))),
      this.progress,
      this.status,
      this.failure,
      this.tools,
      steering.refusal,
      ...(this.sheet ? [this.sheet.node] : []), // at the end, where its room, which is kept, is no gap
    );
  }
}
