/** In what two pictures differ. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { apart, differences, restOf } from "../../../web/static/js/library/difference.js";

test("only what differs is told, and what one of them has alone", () => {
  const first = [["Seed", "1"], ["Steps", "20"], ["Strength", "0.4"]];
  const second = [["Seed", "2"], ["Steps", "20"], ["Time", "3 s"]];
  assert.deepEqual(differences(first, second), [
    { name: "Seed", first: "1", second: "2" },
    { name: "Strength", first: "0.4", second: "" },
    { name: "Time", first: "", second: "3 s" },
  ]);
  assert.deepEqual(differences(first, first), []);
});

test("the rest of a request goes by its own names", () => {
  const request = {
    kind: "txt2img", prompt: "a cat", steps: 20, clip_skip: 2, eta: 0, tiling: null, styles: ["ink"], metadata: false,
    hires: { factor: 2, prompt: "" }, blend: [{ prompt: "a dog", weight: 0.3 }, { prompt: "a fox", weight: 0.2 }],
  };
  assert.deepEqual(restOf(request), [
    ["clip_skip", "2"], ["eta", "0"], ["styles", "ink"], ["metadata", "false"], ["hires.factor", "2"],
    ["blend.1.prompt", "a dog"], ["blend.1.weight", "0.3"], ["blend.2.prompt", "a fox"], ["blend.2.weight", "0.2"],
  ]);
});

test("words that the other has not are apart", () => {
  assert.deepEqual(apart("a black cat on a mat", "a white cat on the mat"), [
    { text: "a", own: false }, { text: " black", own: true }, { text: " cat on", own: false }, { text: " a", own: true },
    { text: " mat", own: false },
  ]);
  assert.deepEqual(apart("a cat", "a cat"), [{ text: "a cat", own: false }]);
  assert.deepEqual(apart("cat", "dog"), [{ text: "cat", own: true }]);
  assert.deepEqual(apart("", "dog"), []);
  assert.deepEqual(apart("b a", "a b").filter(({ own }) => own).length, 1);
});

test("runs are the text, and what is shared is the same on both sides", () => {
  let state = 7;
  const random = (below) => (state = (state * 48271) % 2147483647) % below;
  const text = () => Array.from({ length: 1 + random(12) }, () => "abc"[random(3)] + " ".repeat(random(2))).join(" ");
  for (let round = 0; round < 200; round += 1) {
    const [one, other] = [text(), text()];
    assert.equal(apart(one, other).map((run) => run.text).join(""), one);
    const shared = ([a, b]) => apart(a, b).filter(({ own }) => !own).flatMap((run) => run.text.split(/\s+/).filter(Boolean));
    const [mine, yours] = [shared([one, other]), shared([other, one])];
    assert.equal(mine.length, yours.length, `${one} | ${other}`);
    for (const [words, whole] of [[mine, other], [yours, one]]) {
      let from = 0; // a subsequence of the other text
      const all = whole.split(/\s+/);
      for (const word of words) {
        from = all.indexOf(word, from) + 1;
        assert.ok(from > 0, `${one} | ${other}`);
      }
    }
  }
});
