/** Zoom and place: there and back, what stays where it is, and what fits. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { fit, kept, LEAST, MOST, moved, pinched, rounded, showing, step, toPicture, toWindow, zoomed } from "../../../web/static/js/canvas/view.js";
import { random } from "./random.mjs";

const near = (a, b, by = 1e-9) => assert.ok(Math.abs(a - b) <= by, `${a} for ${b}`);

test("a point of the window is found again, at any zoom", () => {
  const draw = random(1);
  for (let turn = 0; turn < 200; turn += 1) {
    const view = { zoom: rounded(LEAST + draw() * (MOST - LEAST)), x: Math.round(draw() * 4000 - 2000), y: Math.round(draw() * 4000 - 2000) };
    const point = { x: draw() * 900, y: draw() * 600 };
    const back = toWindow(view, toPicture(view, point));
    near(back.x, point.x, 1e-6);
    near(back.y, point.y, 1e-6);
  }
});

test("whole pixels of the picture are the same numbers at 37 % and at 400 %", () => {
  for (let x = 0; x < 2048; x += 100) {
    const small = { zoom: rounded(0.37), x: 19, y: 23 };
    const large = { zoom: rounded(4), x: -400, y: -80 };
    near(toPicture(small, { x: x * 0.37 + 19, y: 23 }).x, x, 1e-9);
    assert.equal(toPicture(large, { x: x * 4 - 400, y: -80 }).x, x);
  }
});

test("zooming leaves what is under the pointer there, to half a pixel of the window", () => {
  const draw = random(2);
  for (let turn = 0; turn < 200; turn += 1) {
    const view = { zoom: rounded(0.05 + draw() * 8), x: Math.round(draw() * 400 - 200), y: Math.round(draw() * 400 - 200) };
    const about = { x: draw() * 800, y: draw() * 600 };
    const fixed = toPicture(view, about);
    const there = toWindow(zoomed(view, 0.05 + draw() * 8, about), fixed);
    near(there.x, about.x, 0.5 + 1e-9);
    near(there.y, about.y, 0.5 + 1e-9);
  }
});

test("two fingers keep what is between them, and their distance is the zoom", () => {
  const view = { zoom: 0.5, x: 10, y: 20 };
  const [a, b] = [{ x: 100, y: 100 }, { x: 200, y: 100 }];
  const after = pinched(view, [a, b], [{ x: 150, y: 150 }, { x: 350, y: 150 }]);
  assert.equal(after.zoom, 1);
  const middle = toWindow(after, toPicture(view, { x: 150, y: 100 }));
  near(middle.x, 250, 1);
  near(middle.y, 150, 1);
  assert.deepEqual(pinched(view, [a, b], [{ x: 105, y: 97 }, { x: 205, y: 97 }]), moved(view, 5, -3));
});

test("what fits is seen whole and in the middle, with a border that will be added", () => {
  for (const [width, height] of [[2048, 2048], [4096, 300], [640, 1800]]) {
    const content = { left: -128, top: 0, right: width, bottom: height + 64 };
    const window = { width: 840, height: 600 };
    const view = fit(content, window);
    const corner = toWindow(view, { x: content.left, y: content.top });
    const other = toWindow(view, { x: content.right, y: content.bottom });
    assert.ok(corner.x >= 15 && corner.y >= 15 && other.x <= 825 && other.y <= 585);
    near(corner.x, 840 - other.x, 1.5);
    near(corner.y, 600 - other.y, 1.5);
    assert.ok(Math.max((other.x - corner.x) / 808, (other.y - corner.y) / 568) > 0.98); // and no smaller than it must be
  }
  assert.equal(fit({ left: 0, top: 0, right: 64, bottom: 64 }, { width: 840, height: 600 }).zoom, 4);
});

test("a picture cannot be lost outside the window, and the brush is brought into it", () => {
  const [content, window] = [{ left: 0, top: 0, right: 500, bottom: 400 }, { width: 800, height: 600 }];
  assert.deepEqual(kept({ zoom: 1, x: 5000, y: -5000 }, content, window), { zoom: 1, x: 752, y: -352 });
  assert.deepEqual(kept({ zoom: 1, x: 5, y: 6 }, content, window), { zoom: 1, x: 5, y: 6 });
  const view = showing({ zoom: 2, x: 0, y: 0 }, { x: 450, y: 10 }, window);
  assert.deepEqual(toWindow(view, { x: 450, y: 10 }), { x: 784, y: 20 });
});

test("the ladder goes up and down by steps, and its ends hold", () => {
  const up = [];
  for (let zoom = LEAST; up.length < 30; zoom = step(zoom, 1)) up.push(zoom);
  assert.equal(up.at(-1), MOST);
  assert.ok(up.includes(0.37) && up.includes(1) && up.includes(4));
  assert.equal(step(0.9, 1), 1);
  assert.equal(step(1.2, -1), 1);
  assert.equal(step(LEAST, -1), LEAST);
});
