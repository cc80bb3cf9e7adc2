/** Which pixels a brush and a shape cover, against definitions written out pixel by pixel. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { coverage } from "../../../web/static/js/canvas/cover.js";
import { rectangle, spansOf } from "../../../web/static/js/canvas/geometry.js";
import { History } from "../../../web/static/js/canvas/history.js";
import { colouring, masking, uncolouring, unmasking } from "../../../web/static/js/canvas/inks.js";
import { colourPlane, maskPlane } from "../../../web/static/js/canvas/plane.js";
import { Stroke } from "../../../web/static/js/canvas/stroke.js";
import { random } from "./random.mjs";

const WIDTH = 150;
const HEIGHT = 90; // more than one tile each way, and no multiple of it

/** Least distance of a pixel's centre from a line through points, by trying a thousand places on each piece. */
function slowDistance(x, y, points) {
  let least = Infinity;
  for (let i = 0; i < points.length - 1; i += 1) {
    const [a, b] = [points[i], points[i + 1]];
    for (let step = 0; step <= 1000; step += 1) {
      const share = step / 1000;
      const dx = a.x + (b.x - a.x) * share - (x + 0.5);
      const dy = a.y + (b.y - a.y) * share - (y + 0.5);
      least = Math.min(least, dx * dx + dy * dy);
    }
  }
  return Math.sqrt(least);
}

function stroked(points, brush, plane = maskPlane(WIDTH, HEIGHT), history = new History()) {
  const stroke = new Stroke(history, plane, brush);
  for (const point of points) stroke.to(point);
  stroke.end();
  return plane;
}

test("a hard brush covers the pixels whose centres are within its radius", () => {
  const points = [{ x: 20.3, y: 30.7 }, { x: 91.2, y: 55.1 }, { x: 88.6, y: 80.4 }];
  const plane = stroked(points, { size: 23, hardness: 1, ink: masking(1) });
  let covered = 0;
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      const away = slowDistance(x, y, points);
      if (Math.abs(away - 11.5) < 0.002) continue; // what the slow one cannot tell
      assert.equal(plane.words[y * WIDTH + x], away < 11.5 ? 255 : 0, `at ${x}, ${y}`);
      covered += away < 11.5 ? 1 : 0;
    }
  }
  assert.ok(covered > 2000);
});

test("a pixel on the very edge is covered, whichever way the stroke goes", () => {
  const [low, high] = [{ x: 40, y: 45 }, { x: 100, y: 45 }];
  for (const points of [[low, high], [high, low]]) {
    const { words } = stroked(points, { size: 31, hardness: 1, ink: masking(1) });
    const rows = Array.from({ length: HEIGHT }, (_, y) => y).filter((y) => words[y * WIDTH + 70]);
    assert.deepEqual([rows[0], rows.at(-1), rows.length], [29, 60, 32]); // centres from 29.5 to 60.5
  }
  const { words } = stroked([{ x: 70, y: 20 }, { x: 70, y: 60 }], { size: 31, hardness: 1, ink: masking(1) });
  const columns = Array.from({ length: WIDTH }, (_, x) => x).filter((x) => words[40 * WIDTH + x]);
  assert.deepEqual([columns[0], columns.at(-1), columns.length], [54, 85, 32]);
});

test("the smallest brush covers the pixel it stands in, wherever in it", () => {
  for (const x of [7.01, 7.5, 7.99]) {
    const { words } = stroked([{ x, y: 9.98 }], { size: 1, hardness: 1, ink: masking(1) });
    assert.equal(words[9 * WIDTH + 7], 255);
    assert.ok(words.filter(Boolean).length <= 4);
  }
});

test("a soft brush fades from its hard part to its edge by the written-out curve", () => {
  const middle = { x: 60.5, y: 40.5 };
  const { words } = stroked([middle], { size: 40, hardness: 0.25, ink: masking(1) });
  for (let x = 40; x < 82; x += 1) {
    const away = Math.abs(x + 0.5 - middle.x) / 20; // radii
    const part = Math.min(1, Math.max(0, (1 - away) / 0.75));
    const expected = Math.round(Math.round(255 * (3 * part ** 2 - 2 * part ** 3)));
    assert.ok(Math.abs(words[40 * WIDTH + x] - expected) <= 1, `at ${x}`);
  }
  assert.equal(coverage(0.25, 0.25), 1);
  assert.equal(coverage(1, 0.25), 0);
});

test("within a stroke paint does not add up, over strokes it does", () => {
  const brush = { size: 20, hardness: 1, ink: masking(0.5) };
  const history = new History();
  const plane = maskPlane(WIDTH, HEIGHT);
  const there = { x: 60.5, y: 40.5 };
  stroked([there, { x: 80.5, y: 40.5 }, there], brush, plane, history);
  assert.equal(plane.words[40 * WIDTH + 60], 128);
  stroked([there], brush, plane, history);
  assert.equal(plane.words[40 * WIDTH + 60], 192); // half of what was left
  stroked([there], { ...brush, ink: unmasking(0.5) }, plane, history);
  assert.equal(plane.words[40 * WIDTH + 60], 96);
});

test("whichever way and however often it goes, a soft stroke covers each pixel by its nearest place", () => {
  const draw = random(7);
  for (const hardness of [0, 0.4, 1]) {
    const points = Array.from({ length: 7 }, () => ({ x: draw() * 190 - 20, y: draw() * 130 - 20 }));
    const { words } = stroked(points, { size: 37, hardness, ink: masking(1) });
    for (let y = 0; y < HEIGHT; y += 3) {
      for (let x = 0; x < WIDTH; x += 1) {
        const away = slowDistance(x, y, points) / 18.5; // a thousand places on each piece: it is off by a two-thousandth
        const [most, least] = [0.001, -0.001].map((off) => Math.round(255 * coverage(away - off, hardness)));
        const found = words[y * WIDTH + x];
        assert.ok(found >= least - 1 && found <= most + 1, `${found} at ${x}, ${y}: ${least} to ${most}`);
      }
    }
  }
});

test("a pen that presses less paints narrower", () => {
  const plane = maskPlane(WIDTH, HEIGHT);
  const stroke = new Stroke(new History(), plane, { size: 40, hardness: 1, ink: masking(1) });
  stroke.to({ x: 70.5, y: 45.5 }, 0.5);
  stroke.end();
  assert.equal(plane.words[45 * WIDTH + 70 + 9], 255);
  assert.equal(plane.words[45 * WIDTH + 70 + 11], 0);
});

/** The word that paint makes of another, where it covers in full. */
function painted(ink, before) {
  const words = Uint32Array.of(before);
  ink(words, 0, before, 255);
  return words[0];
}

test("colour over colour is mixed as Porter and Duff say", () => {
  const ink = colouring("#ff8000", 0.5);
  const half = painted(ink, 0);
  assert.deepEqual([half & 255, (half >>> 8) & 255, (half >>> 16) & 255, half >>> 24], [255, 128, 0, 128]);
  const below = 128 / 255; // alpha of blue below
  const blue = ((128 << 24) | (255 << 16)) >>> 0;
  const alpha = 0.5 + below * 0.5;
  const mixed = painted(ink, blue);
  assert.deepEqual(
    [mixed & 255, (mixed >>> 8) & 255, (mixed >>> 16) & 255, mixed >>> 24],
    [Math.round((255 * 0.5) / alpha), Math.round((128 * 0.5) / alpha), Math.round((255 * below * 0.5) / alpha), Math.round(alpha * 255)],
  );
  assert.equal(painted(uncolouring(1), mixed), 0);
  assert.equal(painted(colouring("#102030", 1), blue), 0xff302010);
});

test("a sketch leaves the mask alone, and one undo takes back either", () => {
  const [history, mask, sketch] = [new History(), maskPlane(WIDTH, HEIGHT), colourPlane(WIDTH, HEIGHT)];
  stroked([{ x: 9, y: 9 }], { size: 8, hardness: 1, ink: masking(1) }, mask, history);
  stroked([{ x: 99, y: 70 }], { size: 8, hardness: 1, ink: colouring("#336699", 1) }, sketch, history);
  assert.deepEqual(sketch.bounds, { left: 95, top: 66, right: 103, bottom: 74 });
  history.undo();
  assert.ok(sketch.empty);
  assert.deepEqual(mask.bounds, { left: 5, top: 5, right: 13, bottom: 13 });
  history.undo();
  assert.ok(mask.empty);
});

/** Whether a point is in a polygon: how often a ray to the right crosses it. */
function inside(corners, x, y) {
  let odd = false;
  corners.forEach((a, i) => {
    const b = corners[(i + 1) % corners.length];
    if (a.y > y !== b.y > y && x < a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x)) odd = !odd;
  });
  return odd;
}

test("a lasso fills the pixels whose centres lie in it, however it crosses itself", () => {
  const draw = random(5);
  for (let turn = 0; turn < 20; turn += 1) {
    const corners = Array.from({ length: 3 + (turn % 7) }, () => ({ x: draw() * 190 - 20, y: draw() * 130 - 20 }));
    const plane = maskPlane(WIDTH, HEIGHT);
    const stroke = new Stroke(new History(), plane, { size: 1, hardness: 1, ink: masking(1) });
    stroke.fill(corners);
    stroke.end();
    for (let y = 0; y < HEIGHT; y += 1) {
      for (let x = 0; x < WIDTH; x += 1) {
        assert.equal(plane.words[y * WIDTH + x] > 0, inside(corners, x + 0.5, y + 0.5), `turn ${turn} at ${x}, ${y}`);
      }
    }
  }
});

test("a rectangle is the same from any of its corners", () => {
  const [a, b] = [{ x: 10.2, y: 5.6 }, { x: 40.7, y: 25.4 }];
  for (const [from, to] of [[a, b], [b, a], [{ x: b.x, y: a.y }, { x: a.x, y: b.y }]]) {
    assert.deepEqual(spansOf(rectangle(from, to), 10), [{ from: 10, to: 41 }]); // centres from 10.5 to 40.5
    assert.deepEqual(spansOf(rectangle(from, to), 5), []); // its centre is at 5.5
  }
});
