/** The grid: of ever so many pictures only those near the screen are in the page. */

import { byId, el, icon } from "../dom.js";
import { t } from "../i18n.js";
import { across, heightOfAll, layRows, placesOf, ratioOf, rowAt, rowOf } from "./layout.js";

/** @typedef {import("../types.js").LibraryPicture} LibraryPicture */

const GAP = 6; // pixels
const COPIES = [256, 512]; // pixels of the longer side of the copies there are; what is no larger is shown itself
const REST = 120; // ms after which a fast scroll counts as over, and pictures are fetched

const grid = byId("grid");
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

export class Grid {
  /** @type {import("./layout.js").Row[]} */ #rows = [];
  /** @type {number[]} */ #ratios = [];
  /** @type {Map<string, Cell>} */ #cells = new Map();
  #width = 0;
  #size = 210; // pixels; about so high rows are, on a wide screen
  #drawn = 0; // where the screen was when it was last drawn, pixels
  #frame = 0;
  #timer = 0;
  /** @type {string | null} */ active = null; // the picture that the keyboard is on

  /**
   * @param {import("./listing.js").Listing} listing @param {import("./selection.js").Selection} selection
   * @param {(id: string) => string} addressOf
   */
  constructor(listing, selection, addressOf) {
    this.listing = listing;
    this.selection = selection;
    this.addressOf = addressOf;
    listing.addEventListener("change", (event) => this.#onChange(/** @type {CustomEvent} */ (event).detail));
    selection.addEventListener("change", () => this.#mark());
    window.addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => this.#onResize()).observe(grid);
  }

  /** Ids of those near the screen. */
  get near() {
    return [...this.#cells.keys()];
  }

  /** Ids as they are shown. */
  get order() {
    return this.listing.pictures.map(({ id }) => id);
  }

  /** @param {import("./listing.js").News} news */
  #onChange(news) {
    if (news === "new") {
      window.scrollTo({ top: 0, behavior: "instant" });
      this.active = null;
    }
    if (news !== "looks") this.#lay(news === "more");
    this.#draw();
    if (news === "looks" || news === "new") for (const [id, cell] of this.#cells) cell.show(/** @type {LibraryPicture} */ (this.listing.get(id)));
  }

  #onResize() {
    if (grid.clientWidth !== this.#width && grid.clientWidth) this.#layAnew();
  }

  /** Make the pictures larger or smaller. @param {number} size  about so high rows are to be, pixels */
  resize(size) {
    this.#size = size;
    if (this.#rows.length) this.#layAnew();
  }

  #layAnew() {
    const first = this.#rows[rowAt(this.#rows, -grid.getBoundingClientRect().top)]?.first ?? 0; // stays in sight
    const far = window.scrollY > 0;
    this.#lay(false);
    if (far && this.#rows.length) window.scrollTo({ top: this.#topOf(first), behavior: "instant" });
    this.#draw();
  }

  /** @param {boolean} on  whether what is laid stays as it is */
  #lay(on) {
    this.#width = grid.clientWidth || this.#width || window.innerWidth; // hidden, it has none
    const { pictures, over } = this.listing;
    if (!on) this.#ratios = [];
    for (let at = this.#ratios.length; at < pictures.length; at += 1) this.#ratios.push(ratioOf(pictures[at]));
    const target = this.#width < 600 ? (this.#size * 5) / 7 : this.#size;
    this.#rows = layRows(this.#ratios, { width: this.#width, target, gap: GAP }, over, on ? this.#rows : []);
    grid.style.height = `${heightOfAll(this.#rows)}px`;
  }

  #soon() {
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  /** Put what is near the screen into the page, and take the rest out. */
  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const screen = window.innerHeight;
    const top = -grid.getBoundingClientRect().top;
    const fast = Math.abs(top - this.#drawn) > screen / 2;
    this.#drawn = top;
    /** @type {Map<string, Cell>} */ const now = new Map();
    for (let at = rowAt(this.#rows, top - screen / 2); at < this.#rows.length; at += 1) {
      const row = this.#rows[at];
      if (row.top > top + 1.5 * screen) break;
      for (const place of placesOf(row, this.#ratios, GAP)) {
        const picture = this.listing.pictures[place.at];
        const cell = this.#cells.get(picture.id) ?? new Cell(picture, this.addressOf);
        cell.move(place.left, row.top, place.width, row.height, place.at);
        now.set(picture.id, cell);
      }
    }
    for (const [id, cell] of this.#cells) if (!now.has(id)) cell.leave();
    const come = [...now].filter(([id]) => !this.#cells.has(id)).map(([, cell]) => cell.node);
    this.#cells = now;
    grid.append(...come);
    this.#mark();
    window.clearTimeout(this.#timer);
    if (fast) this.#timer = window.setTimeout(() => this.#fetch(), REST);
    else this.#fetch();
    if (heightOfAll(this.#rows) < top + 3 * screen) this.listing.more();
  }

  #fetch() {
    for (const cell of this.#cells.values()) cell.fetch();
  }

  #mark() {
    for (const [id, cell] of this.#cells) cell.mark(this.selection.ids.has(id), id === this.active);
    grid.classList.toggle("choosing", !this.selection.empty);
    if (this.active && this.#cells.has(this.active)) grid.setAttribute("aria-activedescendant", `cell-${this.active}`);
    else grid.removeAttribute("aria-activedescendant");
  }

  /** Where the page has to be scrolled to for a picture to be below the bars. @param {number} at */
  #topOf(at) {
    const { top } = this.#rows[rowOf(this.#rows, at)];
    return window.scrollY + grid.getBoundingClientRect().top + top - this.#bars();
  }

  /** What stands over the grid at the top, pixels. */
  #bars() {
    return byId("bar").getBoundingClientRect().bottom + GAP;
  }

  /** Let the keyboard be on a picture, and show it. @param {string} id */
  goTo(id) {
    const at = this.listing.placeOf(id);
    if (at < 0 || !this.#rows.length) return;
    this.active = id;
    const { top, height } = this.#rows[rowOf(this.#rows, at)];
    const above = grid.getBoundingClientRect().top + top - this.#bars();
    const below = grid.getBoundingClientRect().top + top + height + 80 - window.innerHeight; // what floats at the foot
    const by = above < 0 ? above : Math.max(0, Math.min(below, above));
    if (by) window.scrollBy({ top: by, behavior: still.matches || Math.abs(by) > window.innerHeight ? "instant" : "smooth" });
    this.#draw();
  }

  /**
   * One key's way: its number of pictures along, or rows down. Where the keyboard is on none, it begins with the first
   * that is in sight.
   * @param {number} along @param {number} down
   */
  step(along, down) {
    const { pictures } = this.listing;
    if (!pictures.length || !this.#rows.length) return null;
    const here = this.active ? this.listing.placeOf(this.active) : -1;
    if (here < 0 && Number.isFinite(along)) return pictures[this.#rows[rowAt(this.#rows, this.#bars() - grid.getBoundingClientRect().top)]?.first ?? 0].id;
    const shown = (this.#rows.at(-1)?.first ?? 0) + (this.#rows.at(-1)?.count ?? 0); // the others wait for their row to fill
    const there = down ? across(this.#rows, this.#ratios, here, down, GAP) : here + along;
    return pictures[Math.min(shown - 1, Math.max(0, there))].id;
  }

  /** Rows that fit on the screen. */
  get page() {
    return Math.max(1, Math.floor((window.innerHeight - this.#bars()) / ((this.#rows[0]?.height ?? 200) + GAP)) - 1);
  }
}

/** One picture's place in the grid. */
class Cell {
  /** @type {LibraryPicture} */ #picture;
  #longer = 0; // of its sides here, pixels

  /** @param {LibraryPicture} picture @param {(id: string) => string} addressOf */
  constructor(picture, addressOf) {
    this.image = el("img", { alt: "", draggable: "false", decoding: "async" });
    this.image.addEventListener("load", () => this.node.classList.add("there"), { once: true });
    this.#picture = picture;
    this.image.addEventListener("error", () => this.node.classList.add("missing"));
    this.node = el(
      "a",
      { role: "option", class: "cell", id: `cell-${picture.id}`, href: addressOf(picture.id), tabindex: -1, "data-id": picture.id, "data-gone": t("gone") },
      this.image,
      el("span", { class: "tick", "aria-hidden": "true" }, icon("check")),
      el("span", { class: "heart", "aria-hidden": "true" }, icon("heart")),
    );
    this.show(picture);
  }

  /** @param {LibraryPicture} picture */
  show(picture) {
    this.#picture = picture;
    this.node.classList.toggle("favourite", picture.favourite);
    this.node.setAttribute("aria-label", nameOf(picture));
  }

  /** @param {number} left @param {number} top @param {number} width @param {number} height  pixels @param {number} at */
  move(left, top, width, height, at) {
    const { style } = this.node;
    style.transform = `translate(${left}px, ${top}px)`;
    style.width = `${width}px`;
    style.height = `${height}px`;
    this.#longer = Math.max(width, height);
    this.node.setAttribute("aria-posinset", String(at + 1));
    this.node.setAttribute("aria-setsize", "-1");
  }

  /** @param {boolean} chosen @param {boolean} active */
  mark(chosen, active) {
    this.node.setAttribute("aria-selected", String(chosen));
    this.node.classList.toggle("active", active);
  }

  /** A copy that is large enough; one that is larger already stays. */
  fetch() {
    const { url, width, height } = this.#picture;
    const copy = COPIES.find((size) => size >= 0.8 * this.#longer) ?? COPIES[1];
    if (copy <= Number(this.image.dataset.copy ?? 0)) return;
    this.image.dataset.copy = String(copy);
    this.image.src = Math.max(width, height) > copy ? `${url}?size=${copy}` : url;
  }

  /** What was still on its way is called off. */
  leave() {
    this.node.remove();
    this.image.removeAttribute("src");
    delete this.image.dataset.copy;
  }
}

/** What a screen reader says. @param {LibraryPicture} picture */
export function nameOf(picture) {
  const prompt = picture.kind === "upload" ? t("A picture that was sent") : picture.prompt || t("Without a prompt");
  const short = prompt.length > 140 ? `${prompt.slice(0, 140)}…` : prompt;
  return picture.favourite ? t("{picture}, favourite", { picture: short }) : short;
}
