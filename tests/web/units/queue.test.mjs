// The queue page's reckoning: who may change places with whom, when things are, and why a worker went down.

import assert from "node:assert/strict";
import { test } from "node:test";

import { lineOf, movable, placeAt } from "../../../web/static/js/queue/order.js";
import { plainReason } from "../../../web/static/js/queue/reasons.js";
import { clock, fromNow, howTrue, summary, times } from "../../../web/static/js/queue/times.js";

const NOW = new Date(2026, 10, 28, 14, 30).getTime();

/** @returns {any} */
function job(id, more = {}) {
  const { progress, ...rest } = more;
  return {
    id, owner: "ann", state: "queued", paused: false, request: { model: "mini" }, finished_at: null, ...rest,
    progress: { position: 0, starts_in_seconds: null, eta_seconds: null, ...progress },
  };
}

const running = job("r", { state: "running", progress: { position: null } });
const suspect = job("s", { progress: { position: null } });
const paused = job("p", { paused: true, progress: { position: null } });
const [a, b, c] = ["a", "b", "c"].map((id) => job(id));
const bobs = job("bob", { owner: "bob" });
const other = job("o", { request: { model: "other" } });
const all = [running, suspect, a, bobs, b, other, c, paused];

test("a line is the waiting jobs of one owner and one model", () => {
  assert.deepEqual(lineOf(all, b).map(({ id }) => id), ["a", "b", "c"]);
  assert.deepEqual(lineOf(all, bobs), [bobs]);
  for (const none of [running, suspect, paused]) assert.deepEqual(lineOf(all, none), []);
});

test("at the ends of its line a job can go one way only", () => {
  assert.deepEqual(movable(all, a), { earlier: false, later: true });
  assert.deepEqual(movable(all, b), { earlier: true, later: true });
  assert.deepEqual(movable(all, c), { earlier: true, later: false });
  for (const none of [bobs, other, running, suspect, paused]) assert.deepEqual(movable(all, none), { earlier: false, later: false });
});

test("where a job goes that is let fall is its place without itself", () => {
  // against a plain list from which it is taken out and into which it is put again
  const line = [a, b, c];
  for (const moved of line) {
    for (const target of line) {
      for (const after of [false, true]) {
        const without = line.filter((each) => each !== moved);
        const to = without.indexOf(target) + (after ? 1 : 0);
        const wanted = target === moved || line.indexOf(moved) === to ? null : to;
        assert.equal(placeAt(all, moved, target, after), wanted, `${moved.id} on ${target.id}`);
      }
    }
  }
  for (const stranger of [bobs, other, running, paused]) assert.equal(placeAt(all, a, stranger, true), null);
  assert.equal(placeAt(all, paused, a, true), null);
});

test("how long from now is said in whole, quiet numbers", () => {
  const said = [0, 1, 12, 54, 56, 125, -125, 3200, 5400, -3 * 86_400].map(fromNow);
  assert.deepEqual(said, [
    "now", "now", "in 10 seconds", "in 55 seconds", "in 1 minute", "in 2 minutes", "2 minutes ago", "in 53 minutes",
    "in 2 hours", "3 days ago",
  ]);
});

test("a time of another day names the day", () => {
  assert.match(clock(NOW + 60_000, NOW), /^0?2:31 PM$|^14:31$/);
  assert.match(clock(NOW + 86_400_000, NOW), /^Sun/);
});

test("a row tells when its job starts, is done, or ended", () => {
  const soon = (/** @type {any} */ each) => times(each, NOW).map((line) => line.soon);
  assert.deepEqual(soon(job("w", { progress: { starts_in_seconds: 120, eta_seconds: 240 } })), ["in 2 minutes", "in 4 minutes"]);
  assert.deepEqual(soon(job("r", { state: "running", progress: { eta_seconds: 20 } })), ["in 20 seconds"]);
  assert.match(times(job("w"), NOW)[0].said, /not known/);
  assert.deepEqual(times(paused, NOW), []);
  assert.match(times(job("w", { progress: { starts_in_seconds: 120 } }), NOW, true)[0].said, /resumed/);
  const over = job("e", { state: "failed", finished_at: new Date(NOW - 300_000).toISOString() });
  assert.deepEqual(soon(over), ["5 minutes ago"]);
  const ahead = job("e", { state: "failed", finished_at: new Date(NOW + 300_000).toISOString() }); // clocks differ
  assert.deepEqual(soon(ahead), ["now"]);
});

test("the summary counts what is not listed, and tells an end only where all ends are known", () => {
  const known = (/** @type {string} */ id, /** @type {number} */ eta, more = {}) => job(id, { ...more, progress: { eta_seconds: eta } });
  const jobs = [known("r", 20, { state: "running" }), known("w", 600), paused];
  assert.match(summary(jobs, 3, NOW), /^1 developing · 1 waiting · 1 paused · all done .+, in 10 minutes$/);
  assert.equal(summary(jobs, 40, NOW), "1 developing · 38 waiting · 1 paused");
  assert.equal(summary(jobs, 3, NOW, true), "1 developing · 1 waiting · 1 paused");
  assert.equal(summary([running, a], 2, NOW), "1 developing · 1 waiting");
  assert.equal(summary([], 0, NOW), "");
});

test("how true the times were is said in plain words", () => {
  assert.match(howTrue({ jobs: 0, half_within: null, most_within: null }), /^Not known yet/);
  assert.match(howTrue({ jobs: 1, half_within: 0.12, most_within: 0.12 }), /last job .+ within 12% /);
  assert.match(howTrue({ jobs: 20, half_within: 0.12, most_within: 0.4 }), /last 20 jobs .+ within 12% .+ within 40%/);
});

test("a reason is told as what happened", () => {
  const of = (/** @type {string} */ reason) => plainReason(/** @type {any} */ ({ reason, attempts: 3 }));
  assert.match(of("running out of memory"), /more memory/);
  assert.match(of("SIGSEGV"), /crash \(SIGSEGV\)\. It was begun 3 times/);
  assert.match(of("SIGKILL"), /killed/);
  assert.match(of("hanging"), /stand still/);
  assert.match(of("exit status 3"), /exit status 3/);
});
