/** One picture's place in a job: empty paper, then the preview, then the picture. Its size never changes. */

import { el } from "./dom.js";
import { t } from "./i18n.js";
import { captionOf, fitsForm } from "./kinds.js";
import { describe, picturesAt, pictureTools } from "./picture.js";

const THUMBNAIL = 256; // pixels; frames of a job with many pictures are hardly larger

export class Frame {
  #shown = "";
  #previewUrl = "";

  /**
   * @param {import("./types.js").Job} job @param {number} index @param {import("./picture.js").Actions} actions
   * @param {HTMLElement} [choice]  lies on the picture
   */
  constructor(job, index, actions, choice) {
    this.index = index;
    this.actions = actions;
    this.choice = choice;
    this.paper = el("div", { class: "paper" });
    const coming = /** @type {import("./types.js").Picture} */ ({ index, role: null, seed: job.request.seed + index });
    const caption = fitsForm(job) ? captionOf(coming, job) : "";
    const tools = pictureTools(job, coming, actions, { raw: job.kind === "inpaint" ? coming : undefined, showRaw: () => {}, chosen: Boolean(choice) });
    this.caption = el("div", { class: "caption" }, el("span", { class: "seed", text: caption }), el("div", { class: "tools reserved" }, ...tools)); // their room is kept
    this.node = el("li", { class: "frame", "data-index": index }, this.paper, this.caption);
  }

  /** Whether a finished picture is shown. */
  get done() {
    return this.#shown !== "";
  }

  /** @param {import("./types.js").Job} job */
  update(job) {
    const { output, raw } = picturesAt(job, this.index);
    const state = output ? `${output.id} ${raw?.id}` : "";
    if (!output || state === this.#shown) return;
    this.#shown = state;
    const many = job.pictures > 1;
    if (output.role === "grid") this.node.style.setProperty("--ratio", String(output.width / output.height));
    const image = pictureElement(job, output, many);
    image.addEventListener("load", () => this.#develop(), { once: true });
    const enlarge = el("button", { type: "button", class: "enlarge", "aria-label": t("Enlarge: {picture}", { picture: describe(job, output) }) }, image);
    enlarge.addEventListener("click", () => this.actions.open(job, this.index));
    const showRaw = (/** @type {boolean} */ pressed) => showPicture(image, pressed && raw ? raw : output, many);
    const tools = el("div", { class: "tools" }, ...pictureTools(job, output, this.actions, { raw, showRaw, chosen: Boolean(this.choice) }));
    this.node.classList.add("result");
    this.node.classList.remove("discarded");
    this.paper.querySelector(".enlarge")?.remove();
    this.paper.append(enlarge, ...(this.choice ? [this.choice] : []));
    this.caption.replaceChildren(el("span", { class: "seed", title: t("Seed"), text: captionOf(output, job) }), tools);
  }

  /** Its picture was discarded: its place is kept, so that nothing moves under the hand. */
  vacate() {
    if (!this.done) return;
    this.#shown = "";
    this.node.classList.remove("result", "developed", "kept");
    this.node.classList.add("discarded");
    this.paper.replaceChildren();
    this.caption.replaceChildren(el("span", { class: "seed", text: t("discarded") }));
  }

  /** @param {Blob} blob a JPEG of the picture as it stands */
  preview(blob) {
    if (this.#shown) return;
    let image = this.paper.querySelector(".preview img");
    if (!image) {
      image = el("img", { alt: t("Preview") });
      this.paper.append(el("div", { class: "preview" }, image));
    }
    URL.revokeObjectURL(this.#previewUrl);
    this.#previewUrl = URL.createObjectURL(blob);
    image.src = this.#previewUrl;
  }

  /** The picture is there: fade from preview to picture, and let the preview go. */
  #develop() {
    this.node.classList.add("developed");
    window.setTimeout(() => this.paper.querySelector(".preview")?.remove(), 900);
    URL.revokeObjectURL(this.#previewUrl);
  }
}

/** @param {import("./types.js").Job} job @param {import("./types.js").Picture} picture @param {boolean} small */
function pictureElement(job, picture, small) {
  const image = el("img", {
    alt: describe(job, picture),
    width: picture.width,
    height: picture.height,
    decoding: "async",
  });
  showPicture(image, picture, small);
  return image;
}

/** @param {HTMLImageElement} image @param {import("./types.js").Picture} picture @param {boolean} small */
function showPicture(image, picture, small) {
  const large = Math.max(picture.width, picture.height) > THUMBNAIL;
  image.srcset = small && large ? `${picture.url}?size=${2 * THUMBNAIL} 2x` : "";
  image.src = small && large ? `${picture.url}?size=${THUMBNAIL}` : picture.url;
  image.dataset.imageId = picture.id;
  image.dataset.role = picture.role ?? "";
}
