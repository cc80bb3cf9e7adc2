/** One picture's own page: over the grid, which stays as it is, or by itself. */

import { getChain, getImage, getMetadata, persist, submitJob } from "../api.js";
import { byId, el, icon, textButton, toolButton } from "../dom.js";
import { paragraph } from "../format.js";
import { inputAt, sameSettingsAt } from "../hand.js";
import { t, tn } from "../i18n.js";
import { fitsForm } from "../kinds.js";
import { fileOf } from "./actions.js";
import { nameOf } from "./grid.js";
import { tagsIn } from "./labels.js";
import { Large } from "./large.js";
import { parameters, sentences } from "./told.js";
import { complain, toast } from "../toast.js";
import { verify } from "./verify.js";

/** @typedef {import("../types.js").LibraryPicture} LibraryPicture */
/** @typedef {import("../types.js").Metadata} Metadata */

const sheet = byId("sheet");
const VARIED = { strength: 0.2, count: 4 };

/**
 * @typedef {object} Around  what the page can do beyond itself
 * @property {() => void} close
 * @property {(by: number) => void} turn  to the next picture, or the one before
 * @property {(id: string) => string} addressOf
 * @property {(id: string) => void} open
 * @property {(id: string) => void} remove
 * @property {Promise<void>} labelled  the labels of models are known, or will not be
 */

export class Sheet {
  /** @type {LibraryPicture | null} */ picture = null;
  #showing = new AbortController();
  #large = new Large();

  /** @param {import("./actions.js").Actions} actions @param {Around} around */
  constructor(actions, around) {
    this.actions = actions;
    this.around = around;
    actions.listing.addEventListener("change", () => this.#refresh());
    sheet.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#onKey(event));
  }

  /** @param {string} id @param {LibraryPicture} [known]  as the list has it */
  async show(id, known) {
    this.#showing.abort();
    this.#showing = new AbortController();
    const { signal } = this.#showing;
    this.picture = known ?? null;
    sheet.hidden = false;
    if (known) this.#draw(known, null);
    else sheet.replaceChildren(this.#top(), el("p", { class: "sheet-wait", text: t("Looking for the picture") }));
    if (!sheet.contains(document.activeElement)) sheet.focus({ preventScroll: true });
    try {
      const [picture, metadata] = await persist(() => Promise.all([known ?? getImage(id), getMetadata(id), this.around.labelled]), { signal });
      if (signal.aborted) return;
      if (!picture) throw new Error(t("There is no picture of this id; it may have been deleted."));
      this.picture = picture;
      this.#draw(picture, metadata);
      const chain = await persist(() => getChain(id), { signal });
      if (!signal.aborted) this.#showChain(chain);
    } catch (error) {
      if (!signal.aborted) this.#miss(error);
    }
  }

  hide() {
    this.#showing.abort();
    this.picture = null;
    this.#large.end();
    sheet.hidden = true;
    sheet.replaceChildren();
  }

  /** @param {unknown} error */
  #miss(error) {
    const message = error instanceof Error ? error.message : String(error);
    sheet.replaceChildren(
      this.#top(),
      el("div", { class: "nothing" }, el("h2", { text: t("No such picture") }), el("p", { text: message }), textButton("left", t("All pictures"), () => this.around.close())),
    );
  }

  #top() {
    const back = textButton("left", t("Library"), () => this.around.close());
    back.title = t("Back to the library (Esc)");
    back.classList.add("with-icon");
    return el(
      "div",
      { class: "sheet-top" },
      back,
      el("span", { class: "spacer" }),
      this.#pressed("sheet-zoom", "zoom", t("Actual pixels (Z)"), this.#large.zoomed, () => this.#large.zoom()),
      this.#pressed("sheet-large", "fit", t("Large (Space)"), this.#large.on, () => this.#large.toggle()),
      toolButton("left", t("Previous picture"), () => this.around.turn(-1)),
      toolButton("right", t("Next picture"), () => this.around.turn(1)),
    );
  }

  /** @param {string} id @param {string} glyph @param {string} label @param {boolean} on @param {() => void} press */
  #pressed(id, glyph, label, on, press) {
    const button = toolButton(glyph, label, press);
    button.id = id;
    button.setAttribute("aria-pressed", String(on));
    return button;
  }

  /** @param {LibraryPicture} picture @param {Metadata | null} metadata  null = not known yet */
  #draw(picture, metadata) {
    const focused = sheet.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).title : "";
    sheet.setAttribute("aria-label", nameOf(picture));
    const shown = sheet.querySelector(".sheet-picture img")?.dataset.id === picture.id;
    const stage = shown ? sheet.querySelector(".sheet-picture") : this.#large.stageOf(picture);
    const side = el("div", { class: "sheet-side" }, ...this.#words(picture, metadata), ...(metadata ? this.#more(picture, metadata) : []));
    sheet.replaceChildren(this.#top(), stage, side);
    this.#large.center();
    if (focused) /** @type {HTMLElement} */ (sheet.querySelector(`[title="${CSS.escape(focused)}"]`) ?? sheet).focus({ preventScroll: true });
    else sheet.focus({ preventScroll: true });
  }

  /** @param {LibraryPicture} picture @param {Metadata | null} metadata */
  #words(picture, metadata) {
    const title = picture.kind === "upload" ? t("A picture that was sent") : picture.prompt || t("Without a prompt");
    const words = [el("h2", { class: "asked", text: title })];
    if (picture.negative_prompt) words.push(el("p", { class: "asked-not", text: t("without {words}", { words: picture.negative_prompt }) }));
    words.push(this.#tools(picture));
    if (metadata) words.push(el("p", { class: "told", text: paragraph(sentences(picture, metadata)) }));
    return words;
  }

  /** @param {LibraryPicture} picture */
  #tools(picture) {
    const made = picture.kind !== "upload";
    const fits = made && fitsForm(/** @type {any} */ (picture));
    const favourite = textButton("heart", t("Favourite"), () => this.#favour());
    favourite.id = "sheet-favourite";
    favourite.setAttribute("aria-pressed", String(picture.favourite));
    favourite.title = t("Favourite (F)");
    const link = (/** @type {string} */ glyph, /** @type {string} */ text, /** @type {string} */ href, more = {}) =>
      el("a", { class: "button", href, title: text, ...more }, icon(glyph), el("span", { text }));
    const remove = textButton("trash", t("Delete"), () => this.around.remove(picture.id));
    const tools = [favourite];
    if (fits) tools.push(link("settings", t("Same settings"), sameSettingsAt(picture.id)));
    if (fits && picture.role === "output") tools.push(textButton("vary", t("Vary"), () => this.#vary(picture)));
    tools.push(link("input", t("Use as input"), inputAt(picture.id)), link("download", t("Download"), picture.url, { download: fileOf(picture) }), remove);
    if (made && picture.role !== "grid") tools.push(textButton("verify", t("Verify"), () => this.#verify(picture)));
    return el("div", { class: "sheet-tools" }, ...tools, el("p", { class: "verdict", id: "verdict", role: "status" }));
  }

  /** @param {LibraryPicture} picture @param {Metadata} metadata */
  #more(picture, metadata) {
    const pairs = parameters(picture, metadata).flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]);
    const all = metadata.request ?? metadata;
    const more = Object.keys(all).length
      ? [el("details", { class: "more" }, el("summary", { text: metadata.request ? t("All that was asked for") : t("What its file said") }), el("pre", { tabindex: 0, text: JSON.stringify(all, null, 1) }))]
      : [];
    return [this.#own(picture), el("dl", { class: "pairs" }, ...pairs), el("div", { id: "chain" }), ...more];
  }

  /** What its owner made of it: tags and board. @param {LibraryPicture} picture */
  #own(picture) {
    const chips = picture.tags.map((tag) => {
      const label = t("Take off the tag {tag}", { tag });
      const off = () => this.#change({ tags: picture.tags.filter((other) => other !== tag) });
      return el("li", {}, el("button", { type: "button", class: "chip set", title: label, "aria-label": label, on: { click: off } }, tag, icon("close")));
    });
    const tag = el("input", { type: "text", list: "tags", maxlength: 200, autocomplete: "off", id: "sheet-tag", title: t("Add tags"), placeholder: t("Add a tag"), enterkeyhint: "done" });
    tag.addEventListener("change", () => {
      const more = tagsIn(tag.value);
      if (more.length) this.#change({ tags: [...new Set([...picture.tags, ...more])] });
    });
    const board = el("input", { type: "text", list: "boards", maxlength: 100, autocomplete: "off", id: "sheet-board", title: t("Board"), placeholder: t("On none"), value: picture.board ?? "", enterkeyhint: "done" });
    board.addEventListener("change", () => this.#change({ board: board.value.trim() || null }));
    const tags = el("div", { class: "field" }, el("label", { for: "sheet-tag", text: t("Tags") }), tag, el("ul", { class: "chips" }, ...chips));
    return el("div", { class: "own" }, el("div", { class: "field" }, el("label", { for: "sheet-board", text: t("Board") }), board), tags);
  }

  /** @param {import("../types.js").Chain} chain */
  #showChain({ made_from: before, made_into: after }) {
    const parts = /** @type {[string, LibraryPicture[]][]} */ ([[t("Made from"), before], [t("Made into"), after]]).filter(([, some]) => some.length);
    sheet.querySelector("#chain")?.replaceChildren(
      ...parts.map(([title, some]) => el("section", {}, el("h3", { text: title }), el("ul", { class: "chain" }, ...some.map((each) => el("li", {}, this.#link(each)))))),
    );
  }

  /** @param {LibraryPicture} picture */
  #link(picture) {
    const { id } = picture;
    const link = el("a", { href: this.around.addressOf(id), title: nameOf(picture) }, el("img", { src: `${picture.url}?size=256`, alt: nameOf(picture), loading: "lazy", width: 96, height: 96 }));
    link.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.around.open(id);
    });
    return link;
  }

  /** @param {import("../types.js").Changes} changes */
  async #change(changes) {
    const { picture } = this;
    if (!picture) return;
    const [now] = await this.actions.change([picture], () => changes);
    if (now && this.picture?.id === now.id) await this.show(now.id, now);
  }

  async #favour() {
    const { picture } = this;
    if (!picture) return;
    const [now] = await this.actions.change([picture], () => ({ favourite: !picture.favourite }));
    if (now && this.picture?.id === now.id) this.#be(now);
  }

  /** @param {LibraryPicture} picture  as it is now */
  #be(picture) {
    this.picture = picture;
    document.getElementById("sheet-favourite")?.setAttribute("aria-pressed", String(picture.favourite));
  }

  /** It may be shown in the list as well. */
  #refresh() {
    const now = this.picture && this.actions.listing.get(this.picture.id);
    if (now) this.#be(now);
  }

  /** Some a little beside it: the same seed, turned toward others. @param {LibraryPicture} picture */
  async #vary(picture) {
    const [seed] = crypto.getRandomValues(new Uint32Array(1));
    const once = { webhook: null, start_within: null, finish_within: null }; // were meant for the first time
    try {
      const { request } = await persist(() => getMetadata(picture.id));
      const varied = { ...request, ...once, seed: picture.seed, count: VARIED.count, variation: { seed, strength: VARIED.strength } };
      await persist(() => submitJob(varied), { lossy: true });
      toast(tn("{count} variation is on its way.", "{count} variations are on their way.", VARIED.count), { link: { text: t("See them in the studio"), href: "/" }, stays: 15_000 });
    } catch (error) {
      complain(error);
    }
  }

  /** @param {LibraryPicture} picture */
  #verify(picture) {
    const line = byId("verdict");
    verify(picture.id, (text, mood) => {
      line.textContent = text;
      line.dataset.mood = mood;
    }, this.#showing.signal);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const typing = event.target instanceof Element && event.target.matches("input, pre, summary");
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape" && this.#large.on) this.#large.toggle(false);
    else if (event.key === "Escape") this.around.close();
    else if (typing) return;
    else if (event.key === " " && !(event.target instanceof Element && event.target.matches("button, a"))) this.#large.toggle();
    else if (event.key.toLowerCase() === "z") this.#large.zoom();
    else if (event.key === "ArrowLeft") this.around.turn(-1);
    else if (event.key === "ArrowRight") this.around.turn(1);
    else if (event.key === "Delete" && this.picture) this.around.remove(this.picture.id);
    else if (event.key.toLowerCase() === "f") this.#favour();
    else return;
    event.preventDefault();
  }
}

