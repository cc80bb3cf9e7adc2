/** Grow and shrink against distances between all pixels, feather against its formula written out and a real Gaussian. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { blurred, boxRadius, grown, inverted, now, shrunk } from "../../../web/static/js/canvas/filters.js";
import { random } from "./random.mjs";

const [WIDTH, HEIGHT] = [41, 29];

function picture(seed, greys) {
  const draw = random(seed);
  return Uint8Array.from({ length: WIDTH * HEIGHT }, () => (draw() < 0.02 ? (greys ? Math.floor(draw() * 256) : 255) : 0));
}

/** The most within a distance, by looking at all pairs. */
function slowGrown(pixels, by) {
  return pixels.map((_, at) => {
    let most = 0;
    pixels.forEach((value, other) => {
      const [dx, dy] = [(at % WIDTH) - (other % WIDTH), Math.floor(at / WIDTH) - Math.floor(other / WIDTH)];
      if (dx * dx + dy * dy <= by * by) most = Math.max(most, value);
    });
    return most;
  });
}

test("growing takes the most within the distance", () => {
  for (const by of [1, 2, 5, 8]) {
    for (const greys of [false, true]) {
      const pixels = picture(by, greys);
      assert.ok(pixels.some(Boolean));
      assert.deepEqual(now(grown({ pixels, width: WIDTH, height: HEIGHT }, by)), slowGrown(pixels, by));
    }
  }
});

test("shrinking takes off what is within the distance of something that is kept", () => {
  for (const by of [1, 3, 6]) {
    const pixels = slowGrown(picture(by + 40, false), 7);
    const expected = inverted(slowGrown(inverted(pixels), by));
    assert.deepEqual(now(shrunk({ pixels, width: WIDTH, height: HEIGHT }, by)), expected);
    assert.ok(expected.some(Boolean) && expected.some((value, at) => value !== pixels[at]));
  }
});

/** One box blur of a row by its definition: all weights at once, in parts of 2^24, the edge's greys beyond the edge. */
function slowBox(row, radius) {
  const whole = Math.floor(radius);
  const inside = Math.floor(Math.fround(2 ** 24 / Math.fround(2 * radius + 1)));
  const end = Math.floor((2 ** 24 - (2 * whole + 1) * inside) / 2);
  assert.ok(Math.abs(end / inside - (radius - whole)) < 1e-5); // an end counts for the part of a pixel it covers
  return row.map((_, x) => {
    let sum = 2 ** 23; // so that it rounds
    for (let k = -whole - 1; k <= whole + 1; k += 1) {
      sum += (Math.abs(k) <= whole ? inside : end) * row[Math.min(row.length - 1, Math.max(0, x + k))];
    }
    return Math.floor(sum / 2 ** 24);
  });
}

const transposed = (rows) => rows[0].map((_, x) => rows.map((row) => row[x]));

test("feathering is three box blurs each way, rounded after each", () => {
  for (const radius of [0.5, 1, 4, 7.3]) {
    const pixels = picture(9, true);
    const box = boxRadius(radius);
    let rows = Array.from({ length: HEIGHT }, (_, y) => [...pixels.subarray(y * WIDTH, (y + 1) * WIDTH)]);
    for (let pass = 0; pass < 3; pass += 1) rows = rows.map((row) => slowBox(row, box));
    rows = transposed(rows);
    for (let pass = 0; pass < 3; pass += 1) rows = rows.map((row) => slowBox(row, box));
    const expected = transposed(rows).flat();
    assert.deepEqual([...now(blurred({ pixels, width: WIDTH, height: HEIGHT }, radius))], expected);
  }
});

test("the box's variance is a third of the Gaussian's", () => {
  for (const radius of [0.3, 1, 2, 5, 17, 64]) {
    const box = boxRadius(radius);
    const whole = Math.floor(box);
    let variance = 0;
    for (let k = -whole - 1; k <= whole + 1; k += 1) variance += k * k * (Math.abs(k) <= whole ? 1 : box - whole);
    assert.ok(Math.abs(variance / (2 * box + 1) - radius ** 2 / 3) < 1e-9 * radius ** 2 + 1e-12);
  }
});

test("an edge is as soft as a Gaussian makes it", () => {
  const radius = 6;
  const pixels = new Uint8Array(101).fill(255, 50);
  const got = now(blurred({ pixels, width: 101, height: 1 }, radius));
  for (let x = 0; x < 101; x += 1) {
    let sum = 0;
    let all = 0;
    for (let k = -60; k <= 60; k += 1) {
      const weight = Math.exp(-(k * k) / (2 * radius * radius));
      sum += weight * (x + k >= 50 ? 255 : 0);
      all += weight;
    }
    assert.ok(Math.abs(got[x] - sum / all) < 6, `at ${x}: ${got[x]} for ${sum / all}`);
  }
});
