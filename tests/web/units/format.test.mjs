import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = { documentElement: { lang: "en" }, getElementById: () => null, querySelector: () => null };
const { duration, list, megabytes, paragraph, percent } = await import("../../../web/static/js/format.js");

test("a duration is as exact as it is of use", () => {
  const told = [0.4, 4.26, 42.4, 89.6, 150, 5399, 5400, 9000].map(duration);
  assert.deepEqual(told, ["under a second", "4.3 s", "42 s", "90 s", "3 min", "90 min", "1.5 h", "2.5 h"]);
});

test("numbers and lists are written as people write them", () => {
  assert.equal(percent(0.756), "76%");
  assert.equal(megabytes(1234.4 * 1024 * 1024), "1,234 MB");
  assert.equal(list(["a", "b"]), "a, b");
  assert.equal(paragraph(["One.", "Two."]), "One. Two.");
});
