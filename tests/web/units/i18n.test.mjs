/** Sentences without a document: English, and the same in a language that stands in a page. */

import assert from "node:assert/strict";
import { test } from "node:test";

const here = new URL("../../../web/static/js/i18n.js", import.meta.url);

/** The module as it is in a page. @param {string} lang @param {object} messages @param {string} as another query, another module */
async function inPage(lang, messages, as) {
  globalThis.document = { documentElement: { lang }, getElementById: () => ({ textContent: JSON.stringify(messages) }) };
  try {
    return await import(`${here}?${as}`);
  } finally {
    delete globalThis.document;
  }
}

test("English is what stands in the code", async () => {
  const { language, t, tn } = await import(here);
  assert.equal(language, "en");
  assert.equal(t("Save"), "Save");
  assert.equal(t("{name} was deleted by {name}", { name: "a {b} $& <i>" }), "a {b} $& <i> was deleted by a {b} $& <i>");
  assert.equal(t("{a} and {b}", { a: 0 }), "0 and {b}");
  assert.equal(tn("{count} picture", "{count} pictures", 1), "1 picture");
  assert.equal(tn("{count} picture", "{count} pictures", 0), "0 pictures");
  assert.equal(tn("one of {all}", "{count} of {all}", 1200, { all: 3000 }), "1,200 of 3000");
});

test("Japanese has one form", async () => {
  const { language, t, tn } = await inPage("ja", { "{count} pictures": "画像 {count} 枚", Save: "保存", " ": "" }, "ja");
  assert.equal(language, "ja");
  assert.equal(t("Save"), "保存");
  assert.equal(t(" "), "");
  assert.equal(t("Open"), "Open");
  assert.equal(tn("{count} picture", "{count} pictures", 1), "画像 1 枚");
  assert.equal(tn("{count} picture", "{count} pictures", 2), "画像 2 枚");
  assert.equal(tn("{count} job", "{count} jobs", 1), "1 job");
});

test("what others wrote by a known sentence is said in the page's language", async () => {
  const { echo, written } = await inPage("ja", { "{what}: {then} (then)": "{then}だった{what}", "its size": "サイズ", plain: "そのまま" }, "echo");
  const sentences = [written("{what}: {then} (then)"), written("its size"), written("plain"), written("a.b")];
  assert.equal(echo("its size: 3 x 4 (then)", sentences), "3 x 4だったサイズ");
  assert.equal(echo("code: $& (then)", sentences), "$&だったcode");
  assert.equal(echo("plain", sentences), "そのまま");
  assert.equal(echo("plainer", sentences), null);
  assert.equal(echo("a.b", sentences), "a.b");
  assert.equal(echo("axb", sentences), null);
});

test("a language has the forms that it needs", async () => {
  const forms = { one: "{count} obraz", few: "{count} obrazy", many: "{count} obrazów", other: "{count} obrazu" };
  const { tn } = await inPage("pl", { "{count} pictures": forms }, "pl");
  const told = [1, 2, 5, 22, 1.5].map((count) => tn("{count} picture", "{count} pictures", count));
  assert.deepEqual(told, ["1 obraz", "2 obrazy", "5 obrazów", "22 obrazy", "1,5 obrazu"]);
});

test("where a form is missing the last one is taken", async () => {
  const { tn } = await inPage("pl", { "{count} pictures": { other: "{count} szt." } }, "pl2");
  assert.equal(tn("{count} picture", "{count} pictures", 2), "2 szt.");
});
