/** The pictures that were found, page by page, from an API that is played here. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { Listing } from "../../../web/static/js/library/listing.js";
import { EVERYTHING } from "../../../web/static/js/library/query.js";

globalThis.document ??= { cookie: "" };
globalThis.window ??= globalThis;

const real = globalThis.fetch;
afterEach(() => (globalThis.fetch = real));

const picture = (id, more = {}) => ({ id, prompt: "", favourite: false, tags: [], board: null, ...more });

/** So many pictures, as many on a page as are asked for; the queries that came. */
function serve(count, answer = async () => {}) {
  const asked = [];
  globalThis.fetch = async (address, { signal } = {}) => {
    const query = new URLSearchParams(String(address).split("?")[1]);
    asked.push(query);
    await answer(query);
    signal?.throwIfAborted();
    const from = Number(query.get("cursor") ?? 0);
    const until = Math.min(count, from + Number(query.get("limit")));
    const images = Array.from({ length: until - from }, (_, at) => picture(`${query.get("q") ?? ""}${from + at}`));
    return Response.json({ images, next_cursor: until < count ? String(until) : null });
  };
  return asked;
}

function heard(listing) {
  const news = [];
  listing.addEventListener("change", (event) => news.push(event.detail));
  return news;
}

test("pages come one after the other, until there is no more", async () => {
  const asked = serve(350);
  const listing = new Listing();
  const news = heard(listing);
  await listing.start({ ...EVERYTHING, sort: "oldest" });
  assert.deepEqual([listing.pictures.length, listing.over], [100, false]);
  await listing.more();
  await listing.more();
  assert.deepEqual([listing.pictures.length, listing.over], [350, true]);
  await listing.more();
  assert.equal(asked.length, 3);
  assert.deepEqual(listing.pictures.map(({ id }) => id), Array.from({ length: 350 }, (_, at) => String(at)));
  assert.deepEqual(news, ["new", "more", "more"]);
  assert.ok(asked.every((query) => query.get("sort") === "oldest"));
});

test("one page at a time", async () => {
  const asked = serve(1000);
  const listing = new Listing();
  await listing.start(EVERYTHING);
  await Promise.all([listing.more(), listing.more(), listing.more()]);
  assert.deepEqual([asked.length, listing.pictures.length], [2, 300]);
});

test("an answer that comes after the next question is dropped", async () => {
  let release = () => {};
  const held = new Promise((resolve) => (release = resolve));
  serve(10, async (query) => query.get("q") === "slow*" && held);
  const listing = new Listing();
  const first = listing.start({ ...EVERYTHING, q: "slow" });
  await listing.start({ ...EVERYTHING, q: "quick" });
  release();
  await first;
  assert.equal(listing.pictures.length, 10);
  assert.equal(listing.pictures[0].id, "quick*0");
});

test("what fails for good is told, and nothing more is asked for", async () => {
  globalThis.fetch = async () => Response.json({ detail: "no such order" }, { status: 422 });
  const listing = new Listing();
  const failed = new Promise((resolve) => listing.addEventListener("failure", (event) => resolve(event.detail)));
  await listing.start(EVERYTHING);
  assert.equal((await failed).message, "no such order");
  assert.deepEqual([listing.loading, listing.over], [false, true]);
});

test("what is taken out goes back to its old places", async () => {
  serve(10);
  const listing = new Listing();
  await listing.start(EVERYTHING);
  const before = listing.pictures;
  const taken = listing.remove(["2", "5", "9", "nobody"]);
  assert.deepEqual(listing.pictures.map(({ id }) => id), ["0", "1", "3", "4", "6", "7", "8"]);
  assert.equal(listing.placeOf("6"), 4);
  listing.putBack(taken);
  assert.deepEqual(listing.pictures, before);
  listing.putBack(taken); // they are there
  assert.deepEqual(listing.pictures, before);
});

test("changed pictures are the new ones, in their places", async () => {
  serve(3);
  const listing = new Listing();
  await listing.start(EVERYTHING);
  const news = heard(listing);
  listing.update([picture("1", { favourite: true }), picture("elsewhere")]);
  assert.deepEqual(listing.pictures.map(({ favourite }) => favourite), [false, true, false]);
  assert.equal(listing.get("1").favourite, true);
  assert.equal(listing.get("elsewhere"), undefined);
  assert.deepEqual(news, ["looks"]);
});
