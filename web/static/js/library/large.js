/** A picture on its page: beside what is known of it, alone on the screen, or with each of its pixels one of the screen's. */

import { byId, el } from "../dom.js";
import { t } from "../i18n.js";
import { nameOf } from "./grid.js";

/** @typedef {import("../types.js").LibraryPicture} LibraryPicture */

const sheet = byId("sheet");

export class Large {
  #middle = [0.5, 0.5]; // of the picture, that is in the middle of the screen; from one picture to the next it stays

  get on() {
    return sheet.classList.contains("large");
  }

  get zoomed() {
    return sheet.classList.contains("zoomed");
  }

  /** @param {boolean} [on] */
  toggle(on = !this.on) {
    sheet.classList.toggle("large", on);
    if (!on) sheet.classList.remove("zoomed");
    this.#mark();
  }

  /** @param {boolean} [zoomed] @param {[number, number]} [at]  what of the picture is to be in the middle, 0 to 1 */
  zoom(zoomed = !this.zoomed, at = [0.5, 0.5]) {
    if (zoomed) sheet.classList.add("large");
    sheet.classList.toggle("zoomed", zoomed);
    this.#middle = at;
    this.center();
    this.#mark();
  }

  /** Both off, as for a page that is left. */
  end() {
    sheet.classList.remove("large", "zoomed");
  }

  /** Scroll to what is to be in the middle. */
  center() {
    const stage = sheet.querySelector(".sheet-picture");
    const image = stage?.querySelector("img");
    if (!stage || !image || !this.zoomed) return;
    const [x, y] = this.#middle;
    stage.scrollTo({
      left: image.offsetLeft + x * image.offsetWidth - stage.clientWidth / 2,
      top: image.offsetTop + y * image.offsetHeight - stage.clientHeight / 2,
      behavior: "instant",
    });
  }

  #mark() {
    for (const [id, on] of /** @type {[string, boolean][]} */ ([["sheet-large", this.on], ["sheet-zoom", this.zoomed]])) {
      document.getElementById(id)?.setAttribute("aria-pressed", String(on));
    }
  }

  /** The picture at a size that is known before it comes; its thumbnail stands there at once. @param {LibraryPicture} picture */
  stageOf(picture) {
    const { id, url, width, height } = picture;
    const image = el("img", { src: url, alt: nameOf(picture), width, height, "data-id": id, draggable: "false", title: t("Large (Space)") });
    image.style.setProperty("--width", String(width));
    image.style.setProperty("--pixels", `${width / window.devicePixelRatio}px`);
    image.style.setProperty("--ratio", String(width / height));
    if (Math.max(width, height) > 256) image.style.backgroundImage = `url("${url}?size=256")`;
    const stage = el("div", { class: "sheet-picture" }, image);
    stage.addEventListener("scroll", () => this.#onScroll(stage, image), { passive: true });
    const moved = pan(stage);
    stage.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      if (moved()) return;
      if (event.target !== image) {
        if (this.on) this.toggle(false);
      } else if (!this.on) this.toggle(true);
      else {
        const { left, top, width: wide, height: high } = image.getBoundingClientRect();
        this.zoom(!this.zoomed, [(event.clientX - left) / wide, (event.clientY - top) / high]);
      }
    });
    return stage;
  }

  /** @param {HTMLElement} stage @param {HTMLElement} image */
  #onScroll(stage, image) {
    if (!this.zoomed) return;
    this.#middle = [
      (stage.scrollLeft + stage.clientWidth / 2 - image.offsetLeft) / image.offsetWidth,
      (stage.scrollTop + stage.clientHeight / 2 - image.offsetTop) / image.offsetHeight,
    ];
  }
}

/** What is larger than its frame is moved by dragging it; fingers scroll anyway. @param {HTMLElement} stage @returns {() => boolean} whether the last press moved it */
function pan(stage) {
  let moved = false;
  stage.addEventListener("pointerdown", (down) => {
    moved = false;
    if (down.pointerType === "touch" || down.button !== 0) return;
    const [left, top] = [stage.scrollLeft, stage.scrollTop];
    const move = (/** @type {PointerEvent} */ event) => {
      const [x, y] = [event.clientX - down.clientX, event.clientY - down.clientY];
      moved ||= Math.hypot(x, y) > 5;
      stage.scrollTo({ left: left - x, top: top - y, behavior: "instant" });
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", () => window.removeEventListener("pointermove", move), { once: true });
  });
  return () => moved;
}
