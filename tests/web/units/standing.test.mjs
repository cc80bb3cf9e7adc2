/** The line that says how a job stands, in every state that it can be in; and which picture is the newest. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { standing } from "../../../web/static/js/format.js";
import { jobs } from "../../../web/static/js/jobs.js";

const IDLE = { step: 0, steps: 20, fraction: 0, position: null, starts_in_seconds: null, eta_seconds: null, preview_url: null };

/** @param {object} fields @param {object} [progress] */
function job(fields, progress = {}) {
  const plain = { state: "queued", paused: false, attempts: 0, images: [], pictures: 1, started_at: null, finished_at: null, error: null };
  return /** @type {any} */ ({ ...plain, ...fields, progress: { ...IDLE, ...progress } });
}

const picture = (/** @type {number} */ index, seed = index, role = "output") => ({ id: `img_${index}_${role}`, index, seed, role });
const RAN = { started_at: "2026-11-28T10:00:00Z", finished_at: "2026-11-28T10:00:04.200Z" };

const STATES = [
  [job({}), "Waiting, next in line"],
  [job({}, { position: 0, starts_in_seconds: 0.4 }), "Waiting, next in line, starts in under a second"],
  [job({}, { position: 2, starts_in_seconds: 130 }), "Waiting, 2 jobs ahead, starts in 2 min"],
  [job({}, { position: 1 }), "Waiting, 1 job ahead"],
  [job({ attempts: 1 }), "Waiting to start again, next in line"],
  [job({ paused: true }, { position: 3 }), "Paused"],
  [job({ state: "running" }), "Getting ready"],
  [job({ state: "running" }, { step: 3, eta_seconds: 5.25 }), "Step 3 of 20 · 5.3 s left"],
  [job({ state: "running" }, { step: 3, eta_seconds: null }), "Step 3 of 20"],
  [job({ state: "running", paused: true }, { step: 3 }), "Pausing"],
  [job({ state: "running", pictures: 2, images: [picture(0), picture(0, 0, "raw")] }, { step: 25, steps: 40, eta_seconds: 80 }), "Step 25 of 40 · 1 of 2 done · 80 s left"],
  [job({ state: "running" }, { step: 20, eta_seconds: 1 }), "Step 20 of 20 · finishing"],
  [job({ state: "succeeded", images: [picture(0)], ...RAN }), "1 picture in 4.2 s"],
  [job({ state: "succeeded", images: [picture(0), picture(0, 0, "raw"), picture(1)], ...RAN }), "2 pictures in 4.2 s"],
  [job({ state: "succeeded", images: [] }), "0 pictures"],
  [job({ state: "failed" }), "Failed"],
  [job({ state: "cancelled", paused: true }), "Cancelled"],
  [job({ state: "succeeded", verification: { same: true, reasons: [] } }), "Made again: the same, byte for byte"],
];

for (const [one, told] of STATES) test(told, () => assert.equal(standing(one), told));

test("the newest picture is the last one of the newest job that has any", () => {
  const made = (/** @type {string} */ id, /** @type {string} */ created_at, /** @type {object[]} */ images) =>
    jobs.put(job({ id, created_at, images, state: "succeeded", kind: "txt2img", request: { kind: "txt2img", count: images.length } }));
  assert.equal(jobs.newestPicture, undefined);
  made("a", "2026-11-28T10:00:00Z", [picture(0, 5), picture(1, 6), picture(1, 6, "raw")]);
  made("b", "2026-11-28T11:00:00Z", []);
  assert.equal(jobs.newestPicture?.seed, 6);
  jobs.forgetPictures("a", ["img_1_output", "img_1_raw"]);
  assert.equal(jobs.newestPicture?.seed, 5);
  made("c", "2026-11-28T12:00:00Z", [picture(0, 9)]);
  assert.equal(jobs.newestPicture?.seed, 9);
});
