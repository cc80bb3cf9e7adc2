/** A job of many pictures as a contact sheet: each is kept or discarded, by click or by key, and the rest goes at once. */

import { changeImage, deleteImages, listImages, persist, restoreImages } from "./api.js";
import { confirming, el, textButton, toolButton } from "./dom.js";
import { t } from "./i18n.js";
import { jobs } from "./jobs.js";
import { picturesAt } from "./picture.js";
import { say } from "./progress.js";
import { hear, tell } from "./tabs.js";

/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./types.js").Picture} Picture */

/** What was discarded at once, and until when it can be had back. @typedef {{indexes: number[], images: Picture[], until: number}} Discard */

/** Whether a job's pictures are there to choose from: those of a grid are compared, not chosen. @param {Job} job */
export const isSheet = (job) => job.pictures > 1 && job.kind !== "grid";

export class ContactSheet {
  /** @type {Set<string>} */ #kept = new Set(); // ids
  /** @type {Discard[]} */ #discards = [];
  /** @type {Map<number, {keep: HTMLElement, node: HTMLElement}>} */ #choices = new Map();
  #known = false; // whether the server was asked which are kept
  #seen = false; // whether it is on the screen

  /** @param {Job} job @param {HTMLElement} frames  the list of frames, each with its index in `data-index` */
  constructor(job, frames) {
    this.job = job;
    this.frames = frames;
    this.counts = el("p", { class: "counts" });
    this.rest = confirming(textButton("trash", t("Discard the rest")), () => this.#try(() => this.#discardRest()));
    this.back = textButton("undo", t("Bring back"), () => this.restore());
    this.refusal = el("p", { class: "refusal", role: "alert" });
    const keys = el("p", { class: "hint", text: t("Arrow keys move, K keeps, D discards, Enter opens.") });
    this.node = el("div", { class: "choosing", role: "group", "aria-label": t("Choose pictures") }, this.counts, el("div", { class: "slip-tools" }, this.rest, this.back), keys, this.refusal);
    frames.addEventListener("keydown", (event) => this.#onKey(event));
    document.addEventListener("visibilitychange", () => this.#look());
    hear("pictures", () => this.#look());
    new IntersectionObserver((seen) => {
      this.#seen = seen.some((each) => each.isIntersecting);
      this.#look();
    }).observe(frames);
  }

  /** Keep and discard, to lie on a picture. @param {number} index */
  choice(index) {
    const keep = toolButton("heart", t("Keep"), () => this.keep(index));
    const discard = toolButton("close", t("Discard"), () => this.discard(index));
    const node = el("div", { class: "choice" }, keep, discard);
    this.#choices.set(index, { keep, node });
    return node;
  }

  /** Whether a picture is kept. @param {number} index */
  keeps(index) {
    return this.#kept.has(picturesAt(this.job, index).output?.id ?? "");
  }

  /** Keep a picture, or keep it no longer. @param {number} index */
  keep(index) {
    return this.#try(() => this.#keep(index));
  }

  /** @param {number} index */
  discard(index) {
    return this.#try(() => this.#discard([index]));
  }

  /** Bring back what was discarded last; its first number, if that still could be. */
  restore() {
    return this.#try(() => this.#restore());
  }

  /** Whether a picture was discarded here, so that its place is kept. @param {number} index */
  discarded(index) {
    return this.#discards.some(({ indexes }) => indexes.includes(index));
  }

  /** @param {Job} job */
  update(job) {
    const first = !this.#known && job.images.length > 0;
    this.job = job;
    if (first) this.#look();
    this.#show();
  }

  /** Pictures that are there. */
  get #made() {
    return this.job.images.filter((image) => image.role === "output");
  }

  get #open() {
    return this.#made.filter((image) => !this.#kept.has(image.id)).map((image) => image.index ?? 0);
  }

  #show() {
    const made = this.#made;
    for (const image of made) {
      const kept = this.#kept.has(image.id);
      const choice = this.#choices.get(image.index ?? 0);
      choice?.keep.setAttribute("aria-pressed", String(kept));
      choice?.node.closest(".frame")?.classList.toggle("kept", kept);
    }
    const open = this.#open.length;
    this.counts.textContent = this.told;
    this.node.classList.toggle("reserved", made.length === 0 && !this.#discards.length);
    this.rest.disabled = open === 0 || open === made.length;
    this.back.classList.toggle("reserved", !this.#discards.some(({ until }) => until > Date.now()));
  }

  /** How far the choosing has come, in words. */
  get told() {
    const gone = this.#discards.reduce((count, { indexes }) => count + indexes.length, 0);
    const open = this.#open.length;
    return t("{kept} kept · {gone} discarded · {open} open", { kept: this.#made.length - open, gone, open });
  }

  /** Ask which are kept already: they are the favourites. */
  async #look() {
    const made = this.#made;
    if (!made.length || document.hidden || !this.#seen) return;
    this.#known = true;
    const query = new URLSearchParams([...made.map(({ id }) => ["id", id]), ["favourite", "true"], ["limit", "200"]]);
    const found = await listImages(query).catch(() => null); // then none is shown as kept; the header tells of the trouble
    if (!found) return;
    this.#kept = new Set(found.images.map(({ id }) => id));
    this.#show();
  }

  /** @param {number} index */
  async #keep(index) {
    const image = picturesAt(this.job, index).output;
    if (!image) return;
    const favourite = !this.#kept.has(image.id);
    await persist(() => changeImage(image.id, { favourite }));
    if (favourite) this.#kept.add(image.id);
    else this.#kept.delete(image.id);
    tell("pictures");
    this.#show();
    say(this.told);
  }

  /** To the trash, from where they can be had back for a minute. @param {number[]} indexes */
  async #discard(indexes) {
    const images = this.job.images.filter((image) => indexes.includes(image.index ?? -1));
    if (!images.length) return;
    const { ids, undo_until: until } = await persist(() => deleteImages(images.map(({ id }) => id)));
    const left = Math.max(0, Date.parse(until) - Date.now());
    this.#discards.push({ indexes, images, until: Date.now() + left });
    for (const id of ids) this.#kept.delete(id);
    const next = this.#nextTo(indexes);
    jobs.forgetPictures(this.job.id, ids);
    window.setTimeout(() => this.#show(), left + 50);
    next?.focus();
    say(this.told);
  }

  async #discardRest() {
    const focused = document.activeElement === this.rest;
    await this.#discard(this.#open);
    if (focused) this.back.focus();
  }

  /** Bring back what was discarded last. */
  async #restore() {
    const last = this.#discards.at(-1);
    if (!last || last.until < Date.now()) return undefined;
    const { ids } = await persist(() => restoreImages(last.images.map(({ id }) => id)));
    this.#discards.pop();
    const back = last.images.filter(({ id }) => ids.includes(id));
    const job = jobs.get(this.job.id) ?? this.job;
    const there = new Set(job.images.map(({ id }) => id));
    jobs.put({ ...job, images: [...job.images, ...back.filter(({ id }) => !there.has(id))] });
    if (document.activeElement === this.back || document.activeElement === document.body) this.#buttonAt(last.indexes[0])?.focus();
    say(this.told);
    return last.indexes[0];
  }

  /** What goes wrong is told here. @template T @param {() => Promise<T>} act @returns {Promise<T | undefined>} */
  async #try(act) {
    this.refusal.textContent = "";
    try {
      return await act();
    } catch (error) {
      this.refusal.textContent = error instanceof Error ? error.message : String(error);
      return undefined;
    }
  }

  /** @param {number} index @returns {HTMLElement | null} */
  #buttonAt(index) {
    return this.frames.querySelector(`[data-index="${index}"] .enlarge`);
  }

  /** Where the keyboard goes on when the picture that it is on goes. @param {number[]} indexes @returns {HTMLElement | null} */
  #nextTo(indexes) {
    const at = document.activeElement?.closest(".frame");
    if (!at || !this.frames.contains(at) || !indexes.includes(indexOf(at))) return null;
    const all = this.#places();
    const place = all.findIndex((button) => at.contains(button));
    return all[place + 1] ?? all[place - 1] ?? null;
  }

  /** Pictures that the keyboard can be on. @returns {HTMLElement[]} */
  #places() {
    return [...this.frames.querySelectorAll(".enlarge")].map((each) => /** @type {HTMLElement} */ (each));
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const at = /** @type {HTMLElement} */ (event.target).closest(".frame");
    if (!at || event.altKey || event.isComposing) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const index = indexOf(at);
    if (event.ctrlKey || event.metaKey) {
      if (key !== "z" || event.shiftKey) return;
      this.restore();
    } else if (key === "k") this.keep(index);
    else if (key === "d" || key === "Delete") this.discard(index);
    else if (key.startsWith("Arrow")) move(this.#places(), at, key);
    else return;
    event.preventDefault();
    event.stopPropagation(); // Ctrl + Z is the mask's elsewhere
  }
}

/** @param {Element} frame */
const indexOf = (frame) => Number(/** @type {HTMLElement} */ (frame).dataset.index);

/** To the picture beside, above or below. @param {HTMLElement[]} places @param {Element} from @param {string} key */
function move(places, from, key) {
  const here = places.findIndex((place) => from.contains(place));
  const steps = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1 });
  if (key in steps) return places[here + steps[key]]?.focus();
  const { left, top } = from.getBoundingClientRect();
  const down = key === "ArrowDown";
  const boxes = places.map((place) => ({ place, box: /** @type {Element} */ (place.closest(".frame")).getBoundingClientRect() }));
  const beyond = boxes.filter(({ box }) => (down ? box.top > top + 1 : box.top < top - 1));
  const row = down ? Math.min(...beyond.map(({ box }) => box.top)) : Math.max(...beyond.map(({ box }) => box.top));
  const near = beyond.filter(({ box }) => Math.abs(box.top - row) < 1).sort((a, b) => Math.abs(a.box.left - left) - Math.abs(b.box.left - left));
  return near[0]?.place.focus();
}
