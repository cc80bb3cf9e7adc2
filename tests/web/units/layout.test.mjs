/** Rows of the library's grid: as wide as the grid to the pixel, in order, and never laid anew while more come. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { across, heightOfAll, layRows, placesOf, ratioOf, rowAt, rowOf } from "../../../web/static/js/library/layout.js";

const FRAME = { width: 1000, target: 200, gap: 6 };

/** Ratios that look like a library's, the same at each run. */
function ratios(count, seed = 1) {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return ratioOf({ width: 64 + (state % 1400), height: 512 });
  });
}

/** How wide a row is, gaps and all: told by its pictures' shapes, not by `placesOf`. */
function widthOf({ first, count, height }, shapes) {
  return shapes.slice(first, first + count).reduce((sum, ratio) => sum + ratio * height, FRAME.gap * (count - 1));
}

test("rows fill the width, follow each other and leave no picture out", () => {
  for (const count of [1, 2, 7, 100, 2000]) {
    const shapes = ratios(count, count);
    const rows = layRows(shapes, FRAME, true);
    let [next, top] = [0, 0];
    for (const row of rows) {
      assert.equal(row.first, next);
      assert.ok(row.count >= 1);
      assert.ok(Math.abs(row.top - top) < 1e-6);
      next += row.count;
      top = row.top + row.height + FRAME.gap;
    }
    assert.equal(next, count);
    for (const row of rows.slice(0, -1)) assert.ok(Math.abs(widthOf(row, shapes) - FRAME.width) < 1e-6);
    assert.ok(widthOf(rows.at(-1), shapes) < FRAME.width + 1e-6);
    assert.ok(Math.abs(heightOfAll(rows) + FRAME.gap - top) < 1e-6);
  }
});

test("rows are about as high as they are to be", () => {
  const heights = layRows(ratios(5000), FRAME, false).map(({ height }) => height);
  assert.ok(heights.every((height) => height > FRAME.target / 2 && height < FRAME.target * 2));
  const mean = heights.reduce((sum, height) => sum + height) / heights.length;
  assert.ok(mean > 0.85 * FRAME.target && mean < 1.15 * FRAME.target, String(mean));
});

test("what is laid stays while more come, and an unfilled row waits", () => {
  const shapes = ratios(900);
  const whole = layRows(shapes, FRAME, true);
  let rows = [];
  for (const known of [3, 100, 101, 500, 900]) {
    const before = structuredClone(rows);
    rows = layRows(shapes.slice(0, known), FRAME, false, rows);
    assert.deepEqual(rows.slice(0, before.length), before);
  }
  assert.deepEqual(rows, whole.slice(0, rows.length));
  assert.deepEqual(layRows(shapes, FRAME, true, rows), whole);
});

test("shapes beyond all are cut", () => {
  assert.equal(ratioOf({ width: 4000, height: 100 }), 3);
  assert.equal(ratioOf({ width: 100, height: 4000 }), 0.4);
  assert.equal(ratioOf({ width: 300, height: 200 }), 1.5);
});

test("the row at a height, and of a picture", () => {
  const rows = layRows(ratios(400), FRAME, true);
  for (const [at, row] of rows.entries()) {
    assert.equal(rowAt(rows, row.top), at);
    assert.equal(rowAt(rows, row.top + row.height - 0.01), at);
    for (let picture = row.first; picture < row.first + row.count; picture += 1) assert.equal(rowOf(rows, picture), at);
  }
  assert.equal(rowAt(rows, -50), 0);
  assert.equal(rowAt(rows, heightOfAll(rows)), rows.length);
  assert.equal(heightOfAll([]), 0);
});

test("pictures of a row stand side by side", () => {
  const shapes = ratios(50);
  const [row] = layRows(shapes, FRAME, true);
  const places = placesOf(row, shapes, FRAME.gap);
  assert.equal(places[0].left, 0);
  for (const [at, { left, width }] of places.entries()) {
    assert.ok(Math.abs(width / row.height - shapes[at]) < 1e-9);
    if (at) assert.ok(Math.abs(left - (places[at - 1].left + places[at - 1].width + FRAME.gap)) < 1e-9);
  }
  const last = places.at(-1);
  assert.ok(Math.abs(last.left + last.width - FRAME.width) < 1e-6);
});

test("up and down go to the picture that is nearest", () => {
  const shapes = Array.from({ length: 20 }, () => 1); // squares of 5 a row
  const rows = layRows(shapes, { width: 1024, target: 200, gap: 6 }, true);
  assert.deepEqual(rows.map(({ count }) => count), [5, 5, 5, 5]);
  assert.equal(across(rows, shapes, 7, 1, 6), 12);
  assert.equal(across(rows, shapes, 7, -1, 6), 2);
  assert.equal(across(rows, shapes, 7, 99, 6), 17);
  assert.equal(across(rows, shapes, 2, -1, 6), 2);
});
