/** The pictures that were found, page by page. Fires `change` (detail: what became of them) and `failure` (detail: the error). */

import { listImages, persist } from "../api.js";
import { toApi } from "./query.js";

/** @typedef {import("../types.js").LibraryPicture} LibraryPicture */
/** @typedef {"new" | "more" | "other" | "looks"} News  another list, more of it, some came or went, only looks changed */

const [FIRST, MORE] = [100, 200]; // pictures of a page: the first is to be there soon, the others are to be few

export class Listing extends EventTarget {
  /** @type {LibraryPicture[]} */ pictures = [];
  /** @type {string | null} */ #cursor = null;
  #asking = new AbortController();
  /** @type {URLSearchParams} */ #asked = new URLSearchParams();
  loading = false;
  over = false; // no more will come

  /** Begin another list. The old one stays until its first page is there. @param {import("./query.js").Query} query */
  async start(query) {
    this.#asking.abort();
    this.#asking = new AbortController();
    this.#asked = toApi(query);
    this.#cursor = null;
    await this.#take("new");
  }

  async more() {
    if (!this.loading && !this.over) await this.#take("more");
  }

  /** @param {"new" | "more"} news */
  async #take(news) {
    const { signal } = this.#asking;
    const asked = new URLSearchParams(this.#asked);
    asked.set("limit", String(this.#cursor ? MORE : FIRST));
    if (this.#cursor) asked.set("cursor", this.#cursor);
    this.loading = true;
    try {
      const { images, next_cursor: next } = await persist(() => listImages(asked, signal), { signal });
      if (signal.aborted) return;
      this.pictures = news === "new" ? images : [...this.pictures, ...images];
      this.#cursor = next;
      this.over = next === null;
      this.loading = false;
      this.#tell(news);
    } catch (error) {
      if (signal.aborted) return;
      this.loading = false;
      this.over = true;
      this.dispatchEvent(new CustomEvent("failure", { detail: error }));
    }
  }

  /** @param {News} news */
  #tell(news) {
    this.dispatchEvent(new CustomEvent("change", { detail: news }));
  }

  /** @param {string} id */
  get(id) {
    return this.pictures.find((picture) => picture.id === id);
  }

  /** @param {string} id its place, or -1 */
  placeOf(id) {
    return this.pictures.findIndex((picture) => picture.id === id);
  }

  /** As they are now. @param {LibraryPicture[]} changed */
  update(changed) {
    const now = new Map(changed.map((picture) => [picture.id, picture]));
    this.pictures = this.pictures.map((picture) => now.get(picture.id) ?? picture);
    this.#tell("looks");
  }

  /** Take out; what can be put back. @param {Iterable<string>} ids @returns {{picture: LibraryPicture, at: number}[]} */
  remove(ids) {
    const gone = new Set(ids);
    const taken = this.pictures.map((picture, at) => ({ picture, at })).filter(({ picture }) => gone.has(picture.id));
    this.pictures = this.pictures.filter((picture) => !gone.has(picture.id));
    if (taken.length) this.#tell("other");
    if (!this.pictures.length) this.more();
    return taken;
  }

  /** In their old places, as far as the list is still the same. @param {{picture: LibraryPicture, at: number}[]} taken */
  putBack(taken) {
    const here = new Set(this.pictures.map(({ id }) => id));
    const all = [...this.pictures];
    for (const { picture, at } of taken) if (!here.has(picture.id)) all.splice(at, 0, picture);
    this.pictures = all;
    this.#tell("other");
  }
}
