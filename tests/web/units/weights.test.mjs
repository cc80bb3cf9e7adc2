/** Weights in prompts: what is marked, and what Ctrl with an arrow makes of a selection or a caret. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { MOST, withPrompt } from "../../../web/static/js/prompt/history.js";
import { reweigh, stretches } from "../../../web/static/js/prompt/weights.js";

const round = (/** @type {number} */ value) => Number(value.toFixed(3));

/** Marked stretches, as text. @param {string} text @param {boolean} [composed] */
function shown(text, composed) {
  return stretches(text, composed).map(({ start, end, kind, weight, timed }) =>
    [text.slice(start, end), kind === "text" ? round(weight) : kind, ...(timed ? ["timed"] : [])].join("~"),
  );
}

/** A prompt with its selection as «…», or its caret as ^, after one press. @param {string} marked @param {number} by @param {boolean} [composed] */
function pressed(marked, by, composed) {
  const selected = marked.includes("«");
  const from = marked.search(/[«^]/);
  const to = selected ? marked.indexOf("»") - 1 : from;
  const text = marked.replace(/[«»^]/g, "");
  const change = reweigh(text, from, to, by, composed);
  if (!change) return null;
  const after = text.slice(0, change.start) + change.text + text.slice(change.end);
  const [a, b] = change.selected;
  return `${after.slice(0, a)}«${after.slice(a, b)}»${after.slice(b)}`;
}

const MARKED = [
  ["a fox", ["a fox~1"]],
  ["a (red) [dim]", ["a ~1", "(~sign", "red~1.1", ")~sign", " ~1", "[~sign", "dim~0.909", "]~sign"]],
  ["((fox:1.5):2)", ["(~sign", "(~sign", "fox~3", ":1.5)~sign", ":2)~sign"]],
  ["(fox:1.3", ["(~sign", "fox~1.3", ":1.3~sign"]],
  ["(a:b:1.2)", ["(~sign", "a:b~1.2", ":1.2)~sign"]],
  ["(a:1e3)", ["(~sign", "a:1e3~1.1", ")~sign"]],
  ["16:9", ["16:9~1"]],
  ["[oak:pine:0.5]", ["[~sign~timed", "oak~1~timed", ":~sign~timed", "pine~1~timed", ":0.5]~sign~timed"]],
  ["[cow|(dog)]", ["[~sign~timed", "cow~1~timed", "|~sign~timed", "(~sign~timed", "dog~1.1~timed", ")~sign~timed", "]~sign~timed"]],
  ["a AND b :0.5", ["a ~1", "AND~and", " b ~1", ":0.5~sign"]],
  ["a BREAK b", ["a ~1", "BREAK~break", " b~1"]],
  ["SAND BREAKFAST (a AND b)", ["SAND BREAKFAST ~1", "(~sign", "a AND b~1.1", ")~sign"]],
  [String.raw`\(fox\)`, ["\\~escape", "(fox~1", "\\~escape", ")~1"]],
  ["(a [b) c", ["(~sign", "a [b~1.1", ")~sign", " c~1"]],
  ["<lora:ink:0.8>a", ["<lora:ink:0.8>~tag", "a~1"]],
  ["(🦊:1.2)狐", ["(~sign", "🦊~1.2", ":1.2)~sign", "狐~1"]],
  ["", []],
];

for (const [text, expected] of MARKED) test(`marks: ${text}`, () => assert.deepEqual(shown(text), expected));

test("in a negative prompt AND is a word", () => assert.deepEqual(shown("a AND b :0.5", false), ["a AND b :0.5~1"]));

const UP = [
  ["a «red» fox", "a («red»:1.1) fox"],
  ["a r^ed fox", "a («red»:1.1) fox"],
  ["^red", "(«red»:1.1)"],
  ["red^", "(«red»:1.1)"],
  ["red^, fox", "(«red»:1.1), fox"],
  ["a (r^ed:1.1) fox", "a («red»:1.2) fox"],
  ["a («red»:1.1) fox", "a («red»:1.2) fox"],
  ["a «(red:1.1)» fox", "a («red»:1.2) fox"],
  ["a (red:1.^1) fox", "a («red»:1.2) fox"],
  ["a (red)^, fox", "a («red»:1.2), fox"],
  ["a (red^) fox", "a («red»:1.2) fox"],
  ["((fo^x))", "((«fox»:1.2))"],
  ["(a «red» fox:1.2)", "(a («red»:1.1) fox:1.2)"],
  ["(a r^ed fox:1.2)", "(«a red fox»:1.3)"],
  ["(fox:0.9^)", "«fox»"],
  ["[fo^x]", "«fox»"],
  ["(f^ox", "(«fox»:1.2)"],
  ["(fox:1.3^", "(«fox»:1.4)"],
  ["(fox:1.25^)", "(«fox»:1.35)"],
  ["«  red fox »!", "  («red fox»:1.1) !"],
  ["[o^ak:pine:0.5]", "[(«oak»:1.1):pine:0.5]"],
  ["[oak:p^ine:0.5]", "[oak:(«pine»:1.1):0.5]"],
  ["[cow|h^orse]", "[cow|(«horse»:1.1)]"],
  ["«[cow|horse]»", "(«[cow|horse]»:1.1)"],
  ["{red|gr^een} fox", "{red|(«green»:1.1)} fox"],
  ["__an^imals/birds__", "(«__animals/birds__»:1.1)"],
  [String.raw`\(fa^te\)`, String.raw`(«\(fate\)»:1.1)`],
  ["a cat AND a d^og :0.5", "a cat AND a («dog»:1.1) :0.5"],
  ["v1.5^ style.", "(«v1.5»:1.1) style."],
  ["the end^.", "the («end»:1.1)."],
  ["black-c^at", "(«black-cat»:1.1)"],
  ["黒い猫^、夜", "(«黒い猫»:1.1)、夜"],
  ["«🦊» in snow", "(«🦊»:1.1) in snow"],
  // at 1 the brackets stay where without them it would mean something else
  ["[(a|b:0.9^)|c]", "[(«a|b»:1)|c]"],
  ["(a AND b:0.9^)", "(«a AND b»:1)"],
  ["[(x:y:0.9^):5]", "[(«x:y»:1):5]"],
  // nothing to weigh, or something would break
  ["", null],
  ["a  ^  b", null],
  ["a «  » b", null],
  ["(^)", null],
  ["a A^ND b", null],
  ["a BR^EAK b", null],
  ["[oak:pine:0.^5]", null],
  ["(re«d:1.1) fo»x", null],
  ["[co«w|ho»rse]", null],
  ["<lora:i^nk:0.8>", null],
];

for (const [marked, expected] of UP) test(`up: ${marked}`, () => assert.equal(pressed(marked, 0.1), expected));

const DOWN = [
  ["a r^ed fox", "a («red»:0.9) fox"],
  ["(re^d:1.1)", "«red»"],
  ["(re^d)", "«red»"],
  ["[re^d]", "(«red»:0.8)"],
  ["(a «(red:1.1)» fox:1.2)", "(a «red» fox:1.2)"],
  ["[(o^ak:1.1):pine:0.5]", "[«oak»:pine:0.5]"],
  ["(re^d:0.1)", "(«red»:0)"],
  ["(re^d:0)", null],
];

for (const [marked, expected] of DOWN) test(`down: ${marked}`, () => assert.equal(pressed(marked, -0.1), expected));

test("up and down again leave a prompt as it was", () => {
  for (const text of ["a red fox", "[oak:pine:8], fog", "a cat :1.2 AND a dog", "(a red fox:1.3)"]) {
    for (let at = 0; at <= text.length; at += 1) {
      const up = reweigh(text, at, at, 0.1);
      if (!up) continue;
      const more = text.slice(0, up.start) + up.text + text.slice(up.end);
      const down = reweigh(more, ...up.selected, -0.1);
      assert.ok(down, `${text} at ${at}`);
      assert.equal(more.slice(0, down.start) + down.text + more.slice(down.end), text);
    }
  }
});

test("AND in a negative prompt can be weighed", () => assert.equal(pressed("salt A^ND pepper", 0.1, false), "salt («AND»:1.1) pepper"));

test("ten thousand characters of brackets are read at once", () => {
  for (const hostile of ["(", "[", "([)]", "[a|b]", "(a:1.2)", "a AND "]) {
    const text = hostile.repeat(10_000 / hostile.length);
    const all = stretches(text);
    assert.equal(all.map(({ start, end }) => text.slice(start, end)).join(""), text);
  }
});

test("history: the newest first, each once, fifty at most", () => {
  assert.deepEqual(withPrompt(["b", "a"], "c"), ["c", "b", "a"]);
  assert.deepEqual(withPrompt(["b", "a"], "a"), ["a", "b"]);
  assert.deepEqual(withPrompt(["b"], "  \n"), ["b"]);
  const many = Array.from({ length: MOST }, (_, at) => String(at));
  assert.deepEqual(withPrompt(many, "new"), ["new", ...many.slice(0, MOST - 1)]);
});
