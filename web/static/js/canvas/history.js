/**
 * Undo and redo over all layers: a change keeps the tiles that it touched, as they were before, and nothing else. What is
 * taken back changes places with what stands there, so a change is held once.
 */

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./plane.js").Plane} Plane */
/** @typedef {import("./plane.js").Words} Words */

/** @typedef {{values: Words, lengths: Uint16Array | null}} Packed  runs of equal words, or the words themselves */
/** @typedef {{plane: Plane, tile: number, kept: Packed}} Kept  as it was until it is packed */
/** @typedef {{plane: Plane, box: Box}} Touched */

export const STEPS = 100; // changes that can be taken back
const MOST_MEMORY = 128 * 1024 * 1024; // bytes of all changes together; a hundred wide, soft strokes in colour take a sixth

export class History {
  /** @type {Kept[][]} */ #past = [];
  /** @type {Kept[][]} */ #future = [];
  /** @type {Map<Plane, Map<number, Words>> | null} */ #open = null; // the tiles of the change that is being made
  /** @type {Kept[]} */ #loose = []; // what is not packed yet

  /** @param {number} [most] bytes */
  constructor(most = MOST_MEMORY) {
    this.most = most;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** Bytes held. */
  get bytes() {
    return [...this.#past, ...this.#future].reduce((sum, change) => sum + weight(change), 0);
  }

  get steps() {
    return this.#past.length;
  }

  /** Begin what one undo takes back. */
  begin() {
    this.#open = new Map();
  }

  /** A box is about to change: what stands there is kept, tile by tile, the first time. @param {Plane} plane @param {Box} box */
  touch(plane, box) {
    if (!this.#open) throw new Error("nothing was begun");
    let tiles = this.#open.get(plane);
    if (!tiles) this.#open.set(plane, (tiles = new Map()));
    for (const tile of plane.tilesIn(box)) {
      if (!tiles.has(tile)) tiles.set(tile, plane.cut(plane.boxOf(tile)));
    }
  }

  /** A touched tile as it was when the change began. @param {Plane} plane @param {number} tile @returns {Words} */
  before(plane, tile) {
    const words = this.#open?.get(plane)?.get(tile);
    if (!words) throw new Error("this tile was not touched");
    return words;
  }

  /** The change is complete; one that changed nothing is forgotten. */
  commit() {
    const change = this.#close((plane, tile, words) => !plane.holds(words, plane.boxOf(tile)));
    if (!change.length) return;
    this.#past.push(change);
    this.#future = [];
    if (this.#past.length > STEPS) this.#past.shift();
  }

  /**
   * Pack what was kept, then forget the oldest where that is still too much: for when there is time, with pauses between tiles.
   * @returns {Generator<void, void, void>}
   */
  *tidy() {
    for (let each = this.#loose.pop(); each; each = this.#loose.pop()) {
      each.kept = pack(each.kept.values);
      yield;
    }
    let held = this.#past.reduce((sum, each) => sum + weight(each), 0);
    while (held > this.most && this.#past.length > 1) held -= weight(this.#past.shift() ?? []);
  }

  /** As if it had never begun. @returns {Touched[]} */
  cancel() {
    return this.#swap(this.#close(() => true)).touched;
  }

  /** @returns {Touched[]} what changed */
  undo() {
    return this.#move(this.#past, this.#future);
  }

  /** @returns {Touched[]} what changed */
  redo() {
    return this.#move(this.#future, this.#past);
  }

  /** @param {Kept[][]} from @param {Kept[][]} to */
  #move(from, to) {
    const change = from.pop();
    if (!change) return [];
    const { touched, instead } = this.#swap(change);
    to.push(instead);
    return touched;
  }

  /** @param {(plane: Plane, tile: number, words: Words) => boolean} wanted @returns {Kept[]} */
  #close(wanted) {
    const open = this.#open ?? new Map();
    this.#open = null;
    /** @type {Kept[]} */ const change = [];
    for (const [plane, tiles] of open) {
      for (const [tile, words] of tiles) {
        if (!wanted(plane, tile, words)) continue;
        plane.changed(tile);
        change.push({ plane, tile, kept: { values: words, lengths: null } });
      }
    }
    this.#loose.push(...change);
    return change;
  }

  /** Put back what is kept, and keep what stood there. @param {Kept[]} change */
  #swap(change) {
    /** @type {Touched[]} */ const touched = [];
    const instead = change.map(({ plane, tile, kept }) => {
      const box = plane.boxOf(tile);
      const now = plane.cut(box);
      plane.paste(unpack(kept, now.length), box);
      plane.changed(tile);
      touched.push({ plane, box });
      return { plane, tile, kept: { values: now, lengths: null } };
    });
    this.#loose.push(...instead);
    return { touched, instead };
  }
}

/** Runs of equal words where they take less room. @param {Words} words @returns {Packed} */
export function pack(words) {
  const most = (words.byteLength * 0.8) / (words.BYTES_PER_ELEMENT + 2); // runs; more would hardly be smaller
  /** @type {number[]} */ const values = [];
  /** @type {number[]} */ const lengths = [];
  for (let i = 0; i < words.length; ) {
    const start = i;
    const word = words[start];
    while (i < words.length && words[i] === word) i += 1;
    if (values.push(word) > most) return { values: words, lengths: null };
    lengths.push(i - start);
  }
  const Kind = /** @type {Uint8ArrayConstructor} */ (words.constructor);
  return { values: Kind.from(values), lengths: Uint16Array.from(lengths) };
}

/** @param {Packed} packed @param {number} length words @returns {Words} */
export function unpack({ values, lengths }, length) {
  if (!lengths) return values;
  const words = new /** @type {Uint8ArrayConstructor} */ (values.constructor)(length);
  let at = 0;
  for (let run = 0; run < lengths.length; run += 1) {
    words.fill(values[run], at, at + lengths[run]);
    at += lengths[run];
  }
  return words;
}

/** @param {Kept[]} change bytes */
function weight(change) {
  return change.reduce((sum, { kept }) => sum + kept.values.byteLength + (kept.lengths?.byteLength ?? 0), 0);
}
