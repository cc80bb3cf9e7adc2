/** How many pictures there are, and what is said where there are none. */

import { countImages, persist } from "../api.js";
import { byId, el, textButton } from "../dom.js";
import { t, tn } from "../i18n.js";
import { clearFilters } from "./filters.js";
import { EVERYTHING, isNarrow, toApi } from "./query.js";
import { complain } from "../toast.js";

/** @typedef {import("./query.js").Query} Query */

const grid = byId("grid");

export class Found {
  /** @type {Query} */ #query = EVERYTHING;
  /** @type {{pictures: number, more: boolean} | null} */ #count = null; // null = not told yet
  #asking = new AbortController();
  #failed = false; // there is nothing to show but why

  /** @param {import("./listing.js").Listing} listing @param {() => void} again  ask for the same list once more */
  constructor(listing, again) {
    this.listing = listing;
    this.again = again;
    listing.addEventListener("change", (event) => this.#onChange(/** @type {CustomEvent} */ (event).detail));
    listing.addEventListener("failure", (event) => this.#fail(/** @type {CustomEvent} */ (event).detail));
  }

  /** Another list is asked for. @param {Query} query */
  begin(query) {
    this.#query = query;
    this.#count = null;
    this.#failed = false;
    this.#askCount();
  }

  /** @param {import("./listing.js").News} news */
  #onChange(news) {
    if (news === "other") this.#askCount();
    this.#show();
    const told = byId("nothing").hidden ? byId("found").textContent : byId("nothing-title").textContent;
    if (news === "new") byId("announce").textContent = told;
  }

  async #askCount() {
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    const count = await persist(() => countImages(toApi({ ...this.#query, sort: EVERYTHING.sort }), signal), { signal }).catch(() => null);
    if (!count || signal.aborted) return; // the list says what is wrong
    this.#count = count;
    this.#show();
  }

  #show() {
    const { pictures, over, loading } = this.listing;
    if (this.#failed || (loading && !pictures.length)) return;
    grid.setAttribute("aria-busy", "false");
    byId("found").textContent = pictures.length ? this.#words(pictures.length, over) : "\u00a0";
    const none = over && !pictures.length;
    byId("nothing").hidden = !none;
    byId("tally").hidden = none;
    grid.hidden = none;
    if (none) this.#sayWhy();
  }

  /** @param {number} loaded @param {boolean} over  whether these are all */
  #words(loaded, over) {
    if (over) return tn("{count} picture", "{count} pictures", loaded);
    if (this.#count && !this.#count.more) return tn("{count} picture", "{count} pictures", Math.max(loaded, this.#count.pictures));
    return tn("{count} picture and more", "{count} pictures and more", Math.max(loaded, this.#count?.pictures ?? 0));
  }

  #sayWhy() {
    if (isNarrow(this.#query)) {
      const clear = textButton("close", t("Clear search and filters"), clearFilters);
      say(t("Nothing found"), t("No picture fits all of what is asked for. Try fewer words, or take a filter off."), clear);
    } else {
      const studio = el("a", { class: "button primary", href: "/", text: t("Make the first one") });
      say(t("No pictures yet"), t("What you make in the studio is kept here, until you delete it. You can also drop a picture, to read how it was made."), studio);
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    grid.hidden = this.#failed = this.listing.pictures.length === 0;
    byId("nothing").hidden = !grid.hidden;
    byId("tally").hidden = grid.hidden;
    grid.setAttribute("aria-busy", "false");
    const message = error instanceof Error ? error.message : String(error);
    if (grid.hidden) say(t("The pictures could not be listed"), message, textButton("again", t("Try again"), this.again));
    else complain(error);
  }
}

/** @param {string} title @param {string} why @param {Node} way */
function say(title, why, way) {
  byId("nothing-title").textContent = title;
  byId("nothing-why").textContent = why;
  byId("nothing-tools").replaceChildren(way);
}
