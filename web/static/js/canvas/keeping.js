/** What is on the canvas survives a reload: the browser's own database keeps it, for each tab its own, for a day. */

import { getImage } from "../api.js";
import { byId } from "../dom.js";
import { busy } from "./brushwork.js";
import { inPieces } from "./pieces.js";
import { work } from "./work.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./plane.js").Plane} Plane */
/** @typedef {{box: Box, words: Blob} | null} Part  row by row; of a Blob the database copies the address only */
/** @typedef {{tab: string, at: number, picture: import("../types.js").Picture, name: string, mask: Part, sketch: Part}} Kept */

const REST = 800; // ms without a change before it is kept
const DAY = 24 * 3600 * 1000; // ms
const TAB = "darkroom.tab";
const STRIP = 64; // rows copied in one go

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
  const opening = indexedDB.open("darkroom", 2);
  opening.onupgradeneeded = () => {
    const { result: kept } = opening;
    if (kept.objectStoreNames.contains("canvas")) kept.deleteObjectStore("canvas"); // of another form
    kept.createObjectStore("canvas", { keyPath: "tab" });
  };
  const database = await answer(opening);
  const found = database.transaction("canvas", "readwrite").objectStore("canvas");
  found.transaction.oncomplete = () => database.close();
  return found;
}

/** @param {Plane | null} plane @returns {Generator<void, Part, void>} */
function* part(plane) {
  const box = plane?.bounds;
  if (!plane || !box) return null;
  /** @type {BlobPart[]} */ const strips = [];
  for (let { top } = box; top < box.bottom; top += STRIP) {
    strips.push(/** @type {BlobPart} */ (plane.cut({ ...box, top, bottom: Math.min(top + STRIP, box.bottom) })));
    yield;
  }
  return { box, words: new Blob(strips) };
}

async function keep() {
  if (busy()) return later();
  const { picture, mask, sketch, version } = work;
  const name = byId("input-name").textContent;
  const parts = [await inPieces(part(mask)), await inPieces(part(sketch))];
  if (busy() || version !== work.version) return later(); // half of it is older than the other
  const canvas = await store();
  if (!picture) return answer(canvas.delete(tab()));
  return answer(canvas.put({ tab: tab(), at: Date.now(), picture, name, mask: parts[0], sketch: parts[1] }));
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

/** @param {Plane} plane @param {Box} box @param {ArrayBuffer} bytes */
function lay(plane, box, bytes) {
  const Kind = /** @type {Uint8ArrayConstructor} */ (plane.words.constructor);
  plane.paste(new Kind(bytes), box);
  for (const tile of plane.tilesIn(box)) plane.changed(tile);
  work.touched(plane, box);
}

/**
 * Bring it back, and keep what comes from now on.
 * @param {(picture: import("../types.js").Picture, name: string) => Promise<void>} put @param {boolean} wanted whether nothing else is to come
 */
export async function startKeeping(put, wanted) {
  const kept = wanted ? await found().catch(() => undefined) : undefined;
  if (kept && !work.picture) {
    const [mask, sketch] = await Promise.all([kept.mask, kept.sketch].map((part) => part?.words.arrayBuffer()));
    await put(kept.picture, kept.name);
    if (mask && kept.mask) lay(work.mask, kept.mask.box, mask);
    if (sketch && kept.sketch) lay(work.plane("colour"), kept.sketch.box, sketch);
    work.changed();
  }
  work.addEventListener("change", later);
}
