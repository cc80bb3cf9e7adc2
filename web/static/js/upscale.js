/** A finished picture made larger: asked in a dialog, done as a job of its own. */

import { getMetadata } from "./api.js";
import { byId } from "./dom.js";
import { t } from "./i18n.js";

/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./types.js").Picture} Picture */

const SAME = ["prompt", "negative_prompt", "styles", "model", "steps", "guidance", "sampler", "schedule"]; // as the picture was made
const dialog = byId("upscale");
const factor = byId("upscale.factor");
const strength = byId("upscale.strength");
const wrong = byId("upscale-error");

/** @type {{job: Job, picture: Picture} | null} */ let asked = null;

const method = () => /** @type {any} */ (new FormData(byId("upscale-form")).get("upscale.method"));

/** @param {{width: number, height: number}} size @param {number} times */
export const enlarged = ({ width, height }, times) => ({ width: Math.round(width * times), height: Math.round(height * times) });

function show() {
  if (!asked) return;
  const { width, height } = asked.picture;
  const large = enlarged(asked.picture, Number(factor.value));
  byId("upscale-size").textContent = t("{width} × {height} becomes {wide} × {high}", { width, height, wide: large.width, high: large.height });
  byId("upscale-drawing").inert = method() !== "redraw";
}

/** What is asked for. @param {Job} job @param {Picture} picture */
async function request(job, picture) {
  const plain = { kind: "upscale", image: picture.id, factor: Number(factor.value), method: method() };
  if (plain.method !== "redraw") return plain;
  const { request: made = job.request } = await getMetadata(picture.id); // a grid's cells each have their own
  const same = Object.fromEntries(SAME.filter((name) => made[name] !== undefined && made[name] !== null).map((name) => [name, made[name]]));
  return { ...same, ...plain, seed: picture.seed, strength: Number(strength.value) };
}

/** @param {Job} job @param {Picture} picture */
export function askUpscale(job, picture) {
  asked = { job, picture };
  wrong.hidden = true;
  show();
  dialog.showModal();
}

/** @param {(request: any) => Promise<void>} order  rejects where it is refused */
export function startUpscale(order) {
  byId("upscale-form").addEventListener("input", show);
  byId("upscale-close").addEventListener("click", () => dialog.close());
  byId("upscale-form").addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (!asked) return;
    const invalid = [factor, strength].find((control) => !control.validity.valid);
    try {
      if (invalid) throw new Error(invalid.validationMessage);
      await order(await request(asked.job, asked.picture));
      dialog.close();
    } catch (error) {
      wrong.textContent = error instanceof Error ? error.message : String(error);
      wrong.hidden = false;
    }
  });
}
