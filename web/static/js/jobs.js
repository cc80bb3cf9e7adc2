/** The jobs the page knows. Fires `change` (detail: {job, before}) and `gone` (detail: id). */

import { plain } from "./kinds.js";

/** @typedef {import("./types.js").Job} Job */

const FINAL = new Set(["succeeded", "failed", "cancelled"]);

/** @param {Job} job */
export const isOver = (job) => FINAL.has(job.state);

class Jobs extends EventTarget {
  /** @type {Map<string, Job>} */ #known = new Map();

  /** @param {string} id */
  get(id) {
    return this.#known.get(id);
  }

  get empty() {
    return this.#known.size === 0;
  }

  /** The newest job that is not over: the one that Cancel means. */
  get current() {
    return this.unfinished[0];
  }

  get all() {
    return [...this.#known.values()];
  }

  /** Newest first. */
  get unfinished() {
    return [...this.#known.values()].filter((job) => !isOver(job)).sort(newestFirst);
  }

  /** The picture with a seed that was finished last, as far as is known: the last one of the newest job that has any. */
  get newestPicture() {
    const seeded = (/** @type {Job} */ job) => job.images.filter((image) => image.seed !== null && image.role === "output");
    return [...this.#known.values()].sort(newestFirst).map(seeded).find((images) => images.length)?.at(-1);
  }

  /** @param {Job} told as the API has it, or as it is here */
  put(told) {
    const job = plain(told);
    const before = this.#known.get(job.id);
    if (before && isOver(before) && !isOver(job)) return; // an older answer that came late
    this.#known.set(job.id, job);
    this.dispatchEvent(new CustomEvent("change", { detail: { job, before } }));
  }

  /** @param {string} id */
  forget(id) {
    if (this.#known.delete(id)) this.dispatchEvent(new CustomEvent("gone", { detail: id }));
  }

  /** A picture was deleted. @param {string} jobId @param {string[]} imageIds */
  forgetPictures(jobId, imageIds) {
    const job = this.#known.get(jobId);
    if (job) this.put({ ...job, images: job.images.filter((image) => !imageIds.includes(image.id)) });
  }
}

/** @param {Job} a @param {Job} b */
export function newestFirst(a, b) {
  return Date.parse(b.created_at) - Date.parse(a.created_at) || (a.id < b.id ? 1 : -1);
}

export const jobs = new Jobs();
