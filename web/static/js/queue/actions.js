/** What is done to jobs and dead letters: told for ears, refused in a message, and looked at again at once. */

import * as api from "../api.js";
import { standing } from "../format.js";
import { t, tn } from "../i18n.js";
import { plain } from "../kinds.js";
import { PRIORITIES } from "../priority.js";
import { complain, toast } from "../toast.js";
import { nameOf } from "./row.js";
import { say } from "./say.js";

/** @typedef {import("../types.js").Job} Job */

export class Actions {
  /** @type {Set<string>} */ #busy = new Set();

  /** @param {() => void} changed  hears that it is time to look again */
  constructor(changed) {
    this.changed = changed;
  }

  /** One thing at a time with one job. @param {string} id @param {() => Promise<void>} act */
  async #do(id, act) {
    if (this.#busy.has(id)) return;
    this.#busy.add(id);
    try {
      await act();
    } catch (error) {
      complain(error);
    } finally {
      this.#busy.delete(id);
      this.changed();
    }
  }

  /** @param {Job} job @param {"first" | "last" | "earlier" | "later" | number} to */
  move(job, to) {
    return this.#do(job.id, async () => say(t("Moved. {standing}", { standing: standing(plain(await api.moveJob(job.id, to))) })));
  }

  /** @param {Job} job @param {import("../types.js").Priority} priority */
  prioritize(job, priority) {
    return this.#do(job.id, async () => {
      const changed = plain(await api.setPriority(job.id, priority));
      say(t("{priority}. {standing}", { priority: PRIORITIES[priority], standing: standing(changed) }));
    });
  }

  /** @param {Job} job */
  hold(job) {
    return this.#do(job.id, async () => say(standing(plain(await (job.paused ? api.resumeJob : api.pauseJob)(job.id)))));
  }

  /** @param {Job} job */
  cancel(job) {
    return this.#do(job.id, async () => {
      await api.cancelJob(job.id).catch((error) => {
        if (!(error instanceof api.Problem && error.status === 409)) throw error; // 409: it is over already
      });
    });
  }

  /** @param {Job} job */
  retry(job) {
    return this.#do(job.id, async () => {
      await api.retryJob(job.id);
      toast(t("{name} is in the queue once more.", { name: nameOf(job) }));
    });
  }

  /** @param {Job} job */
  remove(job) {
    return this.#do(job.id, async () => {
      await api.deleteJob(job.id);
      const ids = job.images.map(({ id }) => id);
      const undo = ids.length ? () => this.#bringBack(ids) : undefined;
      toast(t("{name} was deleted.", { name: nameOf(job) }), { undo });
    });
  }

  /** The pictures of a job that was deleted; the job itself is gone. @param {string[]} ids */
  async #bringBack(ids) {
    try {
      await api.persist(() => api.restoreImages(ids));
      toast(t("The pictures are back, in the library."), { link: { text: t("Library"), href: "/library" } });
    } catch (error) {
      complain(error);
    }
  }

  clear() {
    return this.#do("all", async () => {
      const { cancelled } = await api.clearJobs();
      toast(tn("{count} waiting job was cancelled. It can be tried again below.", "{count} waiting jobs were cancelled. Each can be tried again below.", cancelled));
    });
  }

  /** @param {import("../types.js").DeadLetter} letter */
  replay(letter) {
    return this.#do(letter.id, async () => {
      await api.replayLetter(letter.id);
      toast(t("It is in the queue once more."));
    });
  }

  /** @param {import("../types.js").DeadLetter} letter */
  purge(letter) {
    return this.#do(letter.id, () => api.purgeLetter(letter.id));
  }

  purgeAll() {
    return this.#do("letters", () => api.purgeLetters());
  }
}
