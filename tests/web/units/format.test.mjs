import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = { documentElement: { lang: "en" }, getElementById: () => null, querySelector: () => null };
const { duration, plural } = await import("../../../web/static/js/format.js");

test("a duration is as exact as it is of use", () => {
  const told = [0.4, 4.26, 42.4, 89.6, 150, 5399, 5400, 9000].map(duration);
  assert.deepEqual(told, ["under a second", "4.3 s", "42 s", "90 s", "3 min", "90 min", "1.5 h", "2.5 h"]);
});

test("one thing, several things, none", () => {
  assert.deepEqual([0, 1, 2].map((many) => plural(many, "job")), ["0 jobs", "1 job", "2 jobs"]);
  assert.equal(plural(2, "copy", "copies"), "2 copies");
});
