/** Looks again and again: never while nobody sees the page, at once when somebody does, and when it is asked to. */

const HIDDEN = 3_600_000; // ms; until then the page is looked at again, or it is not worth a look

export class Watch {
  #due = false;
  #wake = () => {};

  /** @param {() => Promise<number>} look  resolves with the seconds until the next one; it must not fail */
  constructor(look) {
    this.look = look;
  }

  async start() {
    document.addEventListener("visibilitychange", () => this.soon());
    for (;;) {
      this.#due = false;
      await this.#rest(await this.look());
    }
  }

  /** Look as soon as the look that is under way is over. */
  soon() {
    this.#due = true;
    this.#wake();
  }

  /** @param {number} seconds */
  async #rest(seconds) {
    const until = performance.now() + 1000 * seconds;
    for (;;) {
      const left = document.hidden ? HIDDEN : this.#due ? 0 : until - performance.now();
      if (left <= 0) return;
      await new Promise((resolve) => {
        this.#wake = () => resolve(undefined);
        window.setTimeout(resolve, left);
      });
    }
  }
}
