/** What is on the canvas survives a reload: the browser's own database keeps it, for each tab its own, for a day. */

import { getImage } from "../api.js";
import { byId } from "../dom.js";
import { busy } from "./brushwork.js";
import { work } from "./work.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./plane.js").Plane} Plane */
/** @typedef {{box: Box, words: import("./plane.js").Words} | null} Part */
/** @typedef {{tab: string, at: number, picture: import("../types.js").Picture, name: string, mask: Part, sketch: Part}} Kept */

const REST = 800; // ms without a change before it is kept
const DAY = 24 * 3600 * 1000; // ms
const TAB = "darkroom.tab";

let timer = 0;

/** This tab, over reloads. */
function tab() {
  const known = sessionStorage.getItem(TAB) ?? crypto.randomUUID();
  sessionStorage.setItem(TAB, known);
  return known;
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const answer = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

async function store() {
  const opening = indexedDB.open("darkroom", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("canvas", { keyPath: "tab" });
  const database = await answer(opening);
  const found = database.transaction("canvas", "readwrite").objectStore("canvas");
  found.transaction.oncomplete = () => database.close();
  return found;
}

/** @param {Plane | null} plane @returns {Part} */
function part(plane) {
  const box = plane?.bounds;
  return plane && box ? { box, words: plane.cut(box) } : null;
}

async function keep() {
  if (busy()) return later();
  const { picture, mask, sketch } = work;
  const canvas = await store();
  if (!picture) return answer(canvas.delete(tab()));
  const name = byId("input-name").textContent;
  return answer(canvas.put({ tab: tab(), at: Date.now(), picture, name, mask: part(mask), sketch: part(sketch) }));
}

function later() {
  window.clearTimeout(timer);
  timer = window.setTimeout(() => keep().catch(() => {}), REST); // a browser that keeps nothing, or is full: as before
}

/** The canvas as this tab had it, where its picture is still there. @returns {Promise<Kept | undefined>} */
async function found() {
  const canvas = await store();
  /** @type {Kept[]} */ const all = await answer(canvas.getAll());
  for (const { tab: whose, at } of all) if (Date.now() - at > DAY) canvas.delete(whose);
  const mine = all.find((each) => each.tab === tab());
  return mine && (await getImage(mine.picture.id)) ? mine : undefined;
}

/**
 * Bring it back, and keep what comes from now on.
 * @param {(picture: import("../types.js").Picture, name: string) => Promise<void>} put @param {boolean} wanted whether nothing else is to come
 */
export async function startKeeping(put, wanted) {
  const kept = wanted ? await found().catch(() => undefined) : undefined;
  if (kept && !work.picture) {
    await put(kept.picture, kept.name);
    for (const [plane, it] of /** @type {[Plane, Part][]} */ ([[work.mask, kept.mask], [kept.sketch && work.plane("colour"), kept.sketch]])) {
      if (!it) continue;
      plane.paste(it.words, it.box);
      for (const tile of plane.tilesIn(it.box)) plane.changed(tile);
      work.touched(plane, it.box);
    }
    work.changed();
  }
  work.addEventListener("change", later);
}
