/** Undo and redo: over random sequences the planes are what a list of whole copies says; and what it all takes. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { now } from "../../../web/static/js/canvas/filters.js";
import { History, pack, STEPS, unpack } from "../../../web/static/js/canvas/history.js";
import { colouring, masking, unmasking } from "../../../web/static/js/canvas/inks.js";
import { colourPlane, maskPlane } from "../../../web/static/js/canvas/plane.js";
import { replace, Stroke } from "../../../web/static/js/canvas/stroke.js";
import { random } from "./random.mjs";

test("undo and redo walk through what a list of whole copies holds", () => {
  for (let seed = 1; seed <= 8; seed += 1) {
    const draw = random(seed);
    const planes = [maskPlane(100, 70), colourPlane(100, 70)];
    const history = new History();
    const states = [planes.map((plane) => plane.words.slice())];
    let at = 0;
    for (let turn = 0; turn < 60; turn += 1) {
      const chance = draw();
      if (chance < 0.3) {
        const moved = history.undo().length > 0;
        assert.equal(moved, at > 0);
        at -= moved ? 1 : 0;
      } else if (chance < 0.5) {
        const moved = history.redo().length > 0;
        assert.equal(moved, at < states.length - 1);
        at += moved ? 1 : 0;
      } else if (change(history, planes[Math.floor(draw() * 2)], draw)) {
        if (draw() < 0.5) now(history.tidy()); // at once, or some changes later
        states.splice((at += 1), Infinity, planes.map((plane) => plane.words.slice()));
      }
      planes.forEach((plane, i) => assert.deepEqual(plane.words, states[at][i], `seed ${seed}, turn ${turn}`));
      assert.deepEqual([history.canUndo, history.canRedo], [at > 0, at < states.length - 1]);
      planes.forEach((plane) => assert.deepEqual(plane.bounds, slowBounds(plane)));
    }
  }
});

/** Something random; whether it changed anything. */
function change(history, plane, draw) {
  const before = plane.words.slice();
  const point = () => ({ x: draw() * 120 - 10, y: draw() * 90 - 10 });
  const colour = plane.words instanceof Uint32Array;
  const ink = colour ? colouring("#4080c0", 0.25 + draw() * 0.75) : draw() < 0.6 ? masking(draw()) : unmasking(draw());
  const stroke = draw() < 0.8 ? new Stroke(history, plane, { size: 1 + draw() * 30, hardness: draw(), ink }) : null;
  if (!stroke) {
    const box = { left: 10, top: 20, right: 80, bottom: 66 };
    replace(history, plane, box, plane.cut(box).map((word) => (draw() < 0.5 ? word : 0)));
  } else {
    if (draw() < 0.3) stroke.fill([point(), point(), point()]);
    else for (let i = 0; i < 4; i += 1) stroke.to(point());
    if (draw() < 0.2) {
      history.cancel();
      assert.deepEqual(plane.words, before);
      return false;
    }
    stroke.end();
  }
  return plane.words.some((word, i) => word !== before[i]);
}

function slowBounds({ words, width, height }) {
  const lit = Array.from(words.keys()).filter((i) => words[i]);
  if (!lit.length) return null;
  const [xs, ys] = [lit.map((i) => i % width), lit.map((i) => Math.floor(i / width))];
  assert.ok(Math.max(...ys) < height);
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs) + 1, bottom: Math.max(...ys) + 1 };
}

test("what is packed comes back", () => {
  const draw = random(3);
  for (const Kind of [Uint8Array, Uint32Array]) {
    for (const variety of [0, 0.01, 0.2, 1]) {
      const words = Kind.from({ length: 4096 }, () => (draw() < variety ? Math.floor(draw() * 2 ** 32) : 7));
      assert.deepEqual(unpack(pack(words), 4096), words);
    }
    assert.ok(pack(new Kind(4096)).values.length === 1);
  }
});

test("a hundred strokes at 2048 x 2048 are held, on the mask and in colour; the budget drops the oldest", () => {
  const inks = { mask: [masking(1), unmasking(1)], colour: [colouring("#a05030", 0.8), colouring("#3050a0", 0.8)] };
  for (const [plane, pair] of [[maskPlane(2048, 2048), inks.mask], [colourPlane(2048, 2048), inks.colour]]) {
    const history = new History();
    const draw = random(11);
    for (let turn = 0; turn < 116; turn += 1) {
      const stroke = new Stroke(history, plane, { size: 256, hardness: 0.9, ink: pair[turn % 2] });
      let [x, y] = [draw() * 2048, draw() * 2048];
      const [dx, dy] = [(draw() - 0.5) * 400, (draw() - 0.5) * 400];
      for (let step = 0; step < 4; step += 1) stroke.to({ x: (x += dx), y: (y += dy) });
      stroke.end();
      now(history.tidy());
    }
    assert.equal(history.steps, STEPS);
    assert.equal(STEPS, 100);
    assert.ok(history.bytes < 64 * 1024 * 1024, `${history.bytes}`);
  }
  const small = new History(20_000);
  const plane = maskPlane(512, 512);
  for (let turn = 0; turn < 30; turn += 1) {
    const stroke = new Stroke(small, plane, { size: 60, hardness: 0, ink: masking(0.1) });
    stroke.to({ x: 40 + 14 * turn, y: 256 });
    stroke.end();
    now(small.tidy());
  }
  assert.ok(small.steps >= 1 && small.steps < 30 && small.bytes <= 20_000, `${small.steps} ${small.bytes}`);
});
