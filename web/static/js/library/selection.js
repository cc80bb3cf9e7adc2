/** Which pictures are chosen, and which one the keyboard is on. Fires `change`. Pure but for the event. */

export class Selection extends EventTarget {
  /** @type {Set<string>} */ ids = new Set();
  /** @type {string | null} */ #anchor = null; // where a range begins

  get empty() {
    return this.ids.size === 0;
  }

  /** @param {string} id */
  toggle(id) {
    if (!this.ids.delete(id)) this.ids.add(id);
    this.#anchor = id;
    this.#tell();
  }

  /** From where the last one was chosen to here. @param {string} id @param {string[]} order ids as they are shown */
  extend(id, order) {
    const [from, to] = [order.indexOf(this.#anchor ?? id), order.indexOf(id)];
    if (from < 0 || to < 0) return this.toggle(id);
    for (const each of order.slice(Math.min(from, to), Math.max(from, to) + 1)) this.ids.add(each);
    return this.#tell();
  }

  /** Where the next range begins, when nothing is chosen yet. @param {string} id */
  anchor(id) {
    if (this.empty) this.#anchor = id;
  }

  /** @param {Iterable<string>} ids */
  add(ids) {
    for (const id of ids) this.ids.add(id);
    this.#tell();
  }

  /** @param {Iterable<string>} ids */
  drop(ids) {
    for (const id of ids) this.ids.delete(id);
    this.#tell();
  }

  clear() {
    if (this.empty) return;
    this.ids.clear();
    this.#anchor = null;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
