/** One job's row: its picture as far as there is one, what was asked for, how it stands and when, and what can be done. */

import { preview } from "../api.js";
import { confirming, el, icon, relabel, toolButton } from "../dom.js";
import { list, standing } from "../format.js";
import { t, tn } from "../i18n.js";
import { isOver } from "../jobs.js";
import { nameOfKind } from "../kinds.js";
import { PRIORITIES, PriorityChoice } from "../priority.js";
import { failure } from "../reports.js";
import { times } from "./times.js";

/**
 * @typedef {import("../types.js").Job} Job
 * @typedef {object} Around  what a row depends on beside its job
 * @property {number} now    ms since 1970, by this machine's clock
 * @property {boolean} held  the whole queue is paused
 * @property {string} me     whose jobs need no name
 * @property {(job: Job) => {earlier: boolean, later: boolean}} movable
 */

const SMALL = 256; // pixels

export class Row {
  #previewed = "";

  /** @param {Job} job @param {import("./actions.js").Actions} actions */
  constructor(job, actions) {
    this.job = job;
    this.image = el("img", { alt: "", decoding: "async", hidden: true });
    this.image.addEventListener("load", () => (this.image.hidden = false));
    this.image.addEventListener("error", () => (this.image.hidden = true)); // an input that was deleted
    this.thumb = el("a", { class: "thumb" }, this.image);
    this.facts = el("p", { class: "row-facts" });
    this.status = el("p", { class: "row-standing" });
    this.bar = el("span");
    this.progress = el("div", { class: "bar", role: "progressbar", "aria-label": t("Progress"), "aria-valuemin": 0, "aria-valuemax": 100 }, this.bar);
    this.failure = el("p", { class: "row-failure", hidden: true });
    this.when = el("div", { class: "row-when" });
    this.grip = el("span", { class: "grip", "aria-hidden": "true", title: t("Drag to another place") }, icon("grip"));
    this.earlier = mover("up", t("Sooner, by one job"), () => actions.move(this.job, "earlier"));
    this.later = mover("down", t("Later, by one job"), () => actions.move(this.job, "later"));
    this.priority = new PriorityChoice("tool", (priority) => actions.prioritize(this.job, priority));
    this.hold = toolButton("pause", t("Pause"), () => actions.hold(this.job));
    this.cancel = toolButton("close", t("Cancel"), () => actions.cancel(this.job));
    this.again = toolButton("again", t("Try again"), () => actions.retry(this.job));
    this.remove = confirming(toolButton("trash", t("Delete")), () => actions.remove(this.job));
    this.node = el(
      "li",
      { class: "row", tabindex: -1, "data-job-id": job.id },
      this.grip,
      this.thumb,
      el("div", { class: "row-body" }, el("p", { class: "row-asked", text: promptOf(job) }), this.facts, this.status, this.progress, this.failure),
      this.when,
      el("div", { class: "row-tools" }, this.earlier, this.later, this.priority.node, this.hold, this.again, this.cancel, this.remove),
    );
  }

  /** @param {Job} job @param {Around} around */
  update(job, { now, held, me, movable }) {
    this.job = job;
    const over = isOver(job);
    const { earlier, later } = movable(job);
    this.node.dataset.state = job.state;
    this.node.classList.toggle("paused", job.paused);
    this.#say(job, me);
    this.#sayWhen(times(job, now, held));
    this.progress.hidden = job.state !== "running";
    this.progress.setAttribute("aria-valuenow", String(Math.round(job.progress.fraction * 100)));
    this.bar.style.setProperty("--done", String(job.progress.fraction));
    this.grip.classList.toggle("reserved", !(earlier || later));
    for (const [button, can] of /** @type {const} */ ([[this.earlier, earlier], [this.later, later]])) {
      button.hidden = job.state !== "queued" || job.paused;
      button.setAttribute("aria-disabled", String(!can));
    }
    this.priority.update(job);
    relabel(this.hold, job.paused ? "play" : "pause", job.paused ? t("Resume") : t("Pause"));
    this.hold.hidden = over;
    this.cancel.hidden = over;
    this.again.hidden = job.state !== "failed" && job.state !== "cancelled";
    this.remove.hidden = !over;
    this.#picture(job);
  }

  /** @param {Job} job @param {string} me */
  #say(job, me) {
    write(this.facts, factsOf(job, me).join(" · "));
    write(this.status, job.state === "queued" && !job.paused ? placeOf(job) : standing(job));
    write(this.failure, job.error ? failure(job.error) : "");
    this.failure.hidden = !job.error;
    this.node.setAttribute("aria-label", `${nameOf(job)}: ${this.status.textContent}`);
  }

  /** @param {{said: string, soon: string}[]} lines */
  #sayWhen(lines) {
    while (this.when.children.length > lines.length) this.when.lastChild?.remove();
    while (this.when.children.length < lines.length) this.when.append(el("p", {}, el("b"), " ", el("span")));
    lines.forEach(({ said, soon }, at) => {
      const [first, second] = this.when.children[at].children;
      write(first, said);
      write(second, soon);
    });
  }

  /** The newest finished picture; before there is one, what the job begins with. @param {Job} job */
  #picture(job) {
    const picture = job.images.findLast(({ role }) => role !== "raw");
    if (picture) {
      this.thumb.href = `/library/${picture.id}`;
      this.thumb.setAttribute("aria-label", t("Open the picture in the library"));
    }
    if (!picture && this.#previewed) return;
    const input = job.request.image ? `/api/v1/images/${job.request.image}?size=${SMALL}` : "";
    const large = picture && Math.max(picture.width, picture.height) > SMALL;
    const wanted = picture ? `${picture.url}${large ? `?size=${SMALL}` : ""}` : input;
    if (wanted && this.image.getAttribute("src") !== wanted) this.image.src = wanted;
    if (picture) this.#forgetPreview();
    this.thumb.classList.toggle("given", !picture && !this.#previewed && Boolean(input));
  }

  /** Fetch how the picture stands, if there is something to see; one that fails is left out. */
  async develop() {
    const url = this.job.progress.preview_url;
    if (!url || this.job.images.length) return;
    const blob = await preview(url, null, AbortSignal.timeout(5000)).catch(() => null);
    if (!blob || this.job.images.length || isOver(this.job)) return;
    this.#forgetPreview();
    this.#previewed = URL.createObjectURL(blob);
    this.image.src = this.#previewed;
    this.thumb.classList.remove("given");
  }

  #forgetPreview() {
    URL.revokeObjectURL(this.#previewed);
    this.#previewed = "";
  }
}

/** A button that keeps the focus while it can do nothing: at the end of its line. @param {string} glyph @param {string} label @param {() => void} move */
function mover(glyph, label, move) {
  const button = toolButton(glyph, label, () => {
    if (button.getAttribute("aria-disabled") !== "true") move();
  });
  return button;
}

/** Only what has changed: a screen reader and a selection stay where they are. @param {Element} node @param {string} text */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {Job} job */
export function promptOf(job) {
  return job.request.prompt || t("Without a prompt");
}

/** @param {Job} job */
export function nameOf(job) {
  const prompt = promptOf(job);
  return prompt.length > 60 ? `${prompt.slice(0, 60)}…` : prompt;
}

/** @param {Job} job */
function placeOf(job) {
  const { position } = job.progress;
  if (position === null) return t("Waiting to start again, by itself");
  const ahead = position ? tn("{count} job ahead", "{count} jobs ahead", position) : "";
  return job.attempts > 0 ? list([t("Waiting to start again"), ahead || t("next in line")]) : ahead || t("Next in line");
}

/** @param {Job} job @param {string} me @returns {string[]} */
function factsOf(job, me) {
  const { kind, owner, request } = job;
  const size = kind === "upscale" ? t("{factor} times as large", { factor: String(request.factor) }) : `${request.width}\u00a0×\u00a0${request.height}`;
  return [
    ...(request.priority === "high" || request.priority === "low" ? [PRIORITIES[request.priority]] : []),
    ...(owner === me ? [] : [t("of {owner}", { owner })]),
    nameOfKind(kind),
    tn("{count} picture", "{count} pictures", job.pictures),
    size,
  ];
}
