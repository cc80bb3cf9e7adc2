/** Which pictures are chosen. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Selection } from "../../../web/static/js/library/selection.js";

const ORDER = ["a", "b", "c", "d", "e", "f"];

function heard(selection) {
  let count = 0;
  selection.addEventListener("change", () => (count += 1));
  return () => count;
}

test("one is chosen and let go of", () => {
  const selection = new Selection();
  const changes = heard(selection);
  selection.toggle("b");
  selection.toggle("d");
  assert.deepEqual([...selection.ids], ["b", "d"]);
  selection.toggle("b");
  assert.deepEqual([...selection.ids], ["d"]);
  assert.equal(changes(), 3);
});

test("a range goes from the last one that was chosen, either way", () => {
  const selection = new Selection();
  selection.toggle("d");
  selection.extend("b", ORDER);
  assert.deepEqual([...selection.ids].sort(), ["b", "c", "d"]);
  selection.extend("f", ORDER);
  assert.deepEqual([...selection.ids].sort(), ["b", "c", "d", "e", "f"]);
});

test("a range begins where the keyboard was, when nothing is chosen", () => {
  const selection = new Selection();
  selection.anchor("b");
  selection.extend("c", ORDER);
  assert.deepEqual([...selection.ids], ["b", "c"]);
  selection.anchor("f"); // too late: something is chosen
  selection.extend("d", ORDER);
  assert.deepEqual([...selection.ids].sort(), ["b", "c", "d"]);
});

test("a range to or from what is not shown is that one alone", () => {
  const selection = new Selection();
  selection.toggle("gone");
  selection.extend("c", ORDER);
  assert.deepEqual([...selection.ids], ["gone", "c"]);
});

test("all at once, some less, none", () => {
  const selection = new Selection();
  const changes = heard(selection);
  selection.add(ORDER);
  selection.drop(["a", "b", "x"]);
  assert.deepEqual([...selection.ids], ["c", "d", "e", "f"]);
  selection.clear();
  assert.equal(selection.empty, true);
  assert.equal(changes(), 3);
  selection.clear();
  assert.equal(changes(), 3); // nothing changed
});
