/** What is looked for: in the address, and in the API's words. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { EVERYTHING, isNarrow, readQuery, toApi, writeQuery } from "../../../web/static/js/library/query.js";

const SOME = {
  ...EVERYTHING, q: 'black "on the beach" & 猫', kind: "img2img", seed: "7", favourite: "true", board: "My trip",
  tag: ["sea", "c&a=t"], since: "2026-03-01", sort: "oldest",
};

test("an address says the same when it is read back", () => {
  assert.deepEqual(readQuery(writeQuery(SOME)), SOME);
  assert.deepEqual(readQuery(""), EVERYTHING);
  assert.equal(writeQuery(EVERYTHING), "");
});

test("an address is short, and what is none of ours in it is passed over", () => {
  assert.equal(writeQuery({ ...EVERYTHING, q: "cat", tag: ["sea"] }), "?q=cat&tag=sea");
  assert.deepEqual(readQuery("?q=cat&limit=9&cursor=x&__proto__=y"), { ...EVERYTHING, q: "cat" });
});

test("an order alone leaves nothing out", () => {
  assert.equal(isNarrow({ ...EVERYTHING, sort: "oldest" }), false);
  assert.equal(isNarrow({ ...EVERYTHING, tag: ["sea"] }), true);
});

test("what is being typed is the beginning of a word", () => {
  const asked = (q) => toApi({ ...EVERYTHING, q }).get("q");
  assert.equal(asked("black ca"), "black ca*");
  assert.equal(asked("black cat "), "black cat ");
  assert.equal(asked("cat*"), "cat*");
  assert.equal(asked('"on the'), '"on the"');
  assert.equal(asked('"on the beach"'), '"on the beach"');
  assert.equal(asked("negative:ra"), "negative:ra*");
  assert.equal(asked('negative:"heavy ra'), 'negative:"heavy ra"');
  assert.equal(asked("negative:"), null); // no word of it yet
  assert.equal(asked("cat negative:"), "cat ");
  assert.equal(asked("-- *"), null);
});

test("days are whole, from midnight here to midnight here", () => {
  const asked = toApi({ ...EVERYTHING, since: "2026-02-28", until: "2026-02-28" });
  const [since, until] = ["since", "until"].map((name) => new Date(asked.get(name)));
  assert.equal(until.getTime() - since.getTime(), 24 * 3600 * 1000);
  assert.deepEqual([since.getFullYear(), since.getMonth(), since.getDate(), since.getHours()], [2026, 1, 28, 0]);
  assert.equal(toApi({ ...EVERYTHING, since: "soon" }).get("since"), "soon"); // the API says what is wrong with it
});

test("everything goes to the API", () => {
  const asked = toApi(SOME);
  assert.deepEqual(asked.getAll("tag"), ["sea", "c&a=t"]);
  assert.equal(asked.get("board"), "My trip");
  assert.equal(asked.get("sort"), "oldest");
});
