/** Width and height: what they are when left empty, and shapes at a click. */

import { byId } from "./dom.js";
import { extension, summarise, writeForm } from "./form.js";
import { t } from "./i18n.js";

/** @typedef {{width: number, height: number}} Size  pixels */

const width = byId("width");
const height = byId("height");
const presets = [...byId("presets").children].map((each) => /** @type {HTMLElement} */ (each));
const STEP = Number(width.step);

/** @type {Size | null} */ let native = null; // the model's
/** @type {Size | null} */ let own = null; // what empty fields mean now

/** @param {Size} model */
export function setNative(model) {
  native = model;
}

/** Tell what empty fields mean, for this picture or none. @param {Size | null} picture */
export function setOwn(picture) {
  const theirs = picture && !around() ? fitted(grown(picture)) : null;
  own = theirs ?? native;
  width.placeholder = own ? String(own.width) : "";
  height.placeholder = own ? String(own.height) : "";
  const whose = theirs ? t("the picture’s own") : t("the model’s own");
  byId("native-size").textContent = own ? t("{whose}, {width} × {height}", { whose, width: own.width, height: own.height }) : whose;
  markPreset();
  summarise();
}

/** Whether the work is on the mask's surroundings alone: then the model's own size is what empty fields mean. */
const around = () => Boolean(byId("area").closest("[data-kinds=inpaint]:not([hidden])")) && byId("area").value === "masked";

/** With what it is extended by. @param {Size} picture */
function grown(picture) {
  const { left = 0, right = 0, top = 0, bottom = 0 } = extension() ?? {};
  return { width: picture.width + left + right, height: picture.height + top + bottom };
}

/** As the server does it: within the pixel budget, rounded down to a multiple of 8. @param {Size} picture */
function fitted(picture) {
  const most = Number(byId("form").dataset.maxPixels);
  const scale = Math.min(1, Math.sqrt(most / (picture.width * picture.height)));
  const down = (/** @type {number} */ side) => Math.max(Number(width.min), Math.floor((side * scale) / STEP) * STEP);
  return { width: down(picture.width), height: down(picture.height) };
}

/** The shape at about the area the model is used to. @param {HTMLElement} preset @param {boolean} tall @returns {Size | null} */
function shaped(preset, tall) {
  if (!native) return null;
  const [across, down] = [Number(preset.dataset.across), Number(preset.dataset.down)];
  const unit = Math.sqrt((native.width * native.height) / (across * down));
  const round = (/** @type {number} */ side) => Math.round((side * unit) / STEP) * STEP;
  const size = { width: round(across), height: round(down) };
  return tall ? { width: size.height, height: size.width } : size;
}

/** The size that will be asked for. @returns {Size} */
export function askedSize() {
  return { width: Number(width.value || width.placeholder), height: Number(height.value || height.placeholder) };
}

/** The one that is chosen is pressed, and says which way it lies. */
function markPreset() {
  const now = askedSize();
  for (const preset of presets) {
    const same = [true, false].some((tall) => {
      const size = shaped(preset, tall);
      return size?.width === now.width && size.height === now.height;
    });
    const { across, down } = preset.dataset;
    const [wide, high] = same && now.height > now.width ? [down, across] : [across, down];
    preset.setAttribute("aria-pressed", String(same));
    preset.textContent = `${wide}:${high}`;
    preset.setAttribute("aria-label", t("{across}:{down} shape", { across: String(wide), down: String(high) }));
    preset.title = same && wide !== high ? t("Press again to turn it") : "";
  }
}

export function startSize() {
  for (const preset of presets) {
    preset.addEventListener("click", () => {
      const { width: across, height: down } = askedSize();
      const turned = preset.getAttribute("aria-pressed") === "true";
      const size = shaped(preset, turned ? down <= across : down > across);
      if (size) writeForm(size);
    });
  }
  byId("swap").addEventListener("click", () => {
    const now = askedSize();
    writeForm({ width: now.height || null, height: now.width || null });
  });
  width.addEventListener("input", markPreset);
  height.addEventListener("input", markPreset);
}
