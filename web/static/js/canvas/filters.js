/**
 * Growing, shrinking and blurring of greys, as generators that yield between pieces of a few milliseconds: run them in one
 * go with `now`, or with pauses for the page with `inPieces` (pieces.js).
 */

/** @typedef {{pixels: Uint8Array, width: number, height: number}} Greys  row by row; beyond the edge is nothing */

const PIECE = 200_000; // pixels between two pauses

/** The result of a generator, without pauses. @template T @param {Generator<void, T, void>} work @returns {T} */
export function now(work) {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/**
 * Each pixel becomes the most that there is within `by` pixels of it, straight (a disc, not a square).
 * @param {Greys} greys @param {number} by pixels, 1 or more @returns {Generator<void, Uint8Array, void>}
 */
export function* grown({ pixels, width, height }, by) {
  const result = new Uint8Array(pixels.length);
  const rows = Array.from({ length: by + 1 }, (_, dy) => Math.floor(Math.sqrt(by * by - dy * dy))); // half a chord, by its distance
  for (let y = 0, done = 0; y < height; y += 1) {
    let row = pixels.slice(y * width, (y + 1) * width);
    if (!row.some(Boolean)) continue;
    for (let half = 0; half <= by; half += 1) {
      if (half) row = besides(row);
      for (let dy = 0; dy <= by; dy += 1) {
        if (rows[dy] !== half) continue;
        for (const to of dy ? [y - dy, y + dy] : [y]) if (to >= 0 && to < height) raise(result, to * width, row);
      }
    }
    done += width * by;
    if (done > PIECE) {
      done = 0;
      yield;
    }
  }
  return result;
}

/** Each pixel the most of itself and its two neighbours. @param {Uint8Array} row */
function besides(row) {
  const wider = row.slice();
  for (let x = 0; x < row.length; x += 1) {
    if (x && row[x - 1] > wider[x]) wider[x] = row[x - 1];
    if (row[x + 1] > wider[x]) wider[x] = row[x + 1];
  }
  return wider;
}

/** @param {Uint8Array} into @param {number} start @param {Uint8Array} row */
function raise(into, start, row) {
  for (let x = 0; x < row.length; x += 1) if (row[x] > into[start + x]) into[start + x] = row[x];
}

/** The other way round: what is within `by` pixels of something that is kept, is kept. Beyond the edge all is painted. @param {Greys} greys @param {number} by */
export function* shrunk({ pixels, width, height }, by) {
  const kept = yield* grown({ pixels: inverted(pixels), width, height }, by);
  return inverted(kept);
}

/** @param {Uint8Array} pixels */
export const inverted = (pixels) => pixels.map((value) => 255 - value);

/**
 * A Gaussian blur as three box blurs whose ends count in part (Gwosdek et al. 2011), rounded to whole greys after each, as
 * Pillow's `GaussianBlur` does it in the worker: the same bytes. The edge's greys go on beyond the edge.
 * @param {Greys} greys @param {number} radius standard deviation, pixels @returns {Generator<void, Uint8Array, void>}
 */
export function* blurred({ pixels, width, height }, radius) {
  if (!radius || !pixels.length) return pixels.slice();
  const across = yield* blurredRows({ pixels, width, height }, radius);
  const turned = turn({ pixels: across, width, height });
  const down = yield* blurredRows({ pixels: turned, width: height, height: width }, radius);
  return turn({ pixels: down, width: height, height: width });
}

/** @param {Greys} greys @param {number} radius */
function* blurredRows({ pixels, width, height }, radius) {
  const box = boxRadius(radius);
  const result = new Uint8Array(pixels.length);
  for (let y = 0, done = 0; y < height; y += 1) {
    let row = pixels.subarray(y * width, (y + 1) * width);
    if (row.some((value) => value !== row[0])) for (let pass = 0; pass < 3; pass += 1) row = boxBlurred(row, box);
    result.set(row, y * width);
    done += 3 * width;
    if (done > PIECE) {
      done = 0;
      yield;
    }
  }
  return result;
}

/** The half length, whole part and share of an end, of the box that makes a Gaussian when it is applied three times. @param {number} radius */
export function boxRadius(radius) {
  const variance = (radius * radius) / 3; // of each pass
  const whole = Math.floor((Math.sqrt(12 * variance + 1) - 1) / 2);
  const end = ((2 * whole + 1) * (whole * (whole + 1) - 3 * variance)) / (6 * (variance - (whole + 1) ** 2));
  return whole + end;
}

/** How far a blur reaches, pixels. @param {number} radius */
export const blurReach = (radius) => (radius ? 3 * (Math.floor(boxRadius(radius)) + 1) : 0);

const ONE = 2 ** 24; // weights are whole numbers of so many parts

/** @param {Uint8Array} row @param {number} radius of the box */
function boxBlurred(row, radius) {
  const whole = Math.floor(radius);
  const inside = Math.floor(Math.fround(ONE / Math.fround(Math.fround(radius) * 2 + 1))); // in single precision, as there
  const ends = Math.floor((ONE - (whole * 2 + 1) * inside) / 2);
  const last = row.length - 1;
  const at = (/** @type {number} */ x) => row[x < 0 ? 0 : x > last ? last : x];
  const result = new Uint8Array(row.length);
  let sum = 0;
  for (let x = -whole - 1; x < whole; x += 1) sum += at(x);
  for (let x = 0; x <= last; x += 1) {
    sum += at(x + whole) - at(x - whole - 1);
    result[x] = Math.floor((sum * inside + (at(x - whole - 1) + at(x + whole + 1)) * ends + ONE / 2) / ONE);
  }
  return result;
}

/** Rows become columns. @param {Greys} greys */
function turn({ pixels, width, height }) {
  const turned = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) turned[x * height + y] = pixels[y * width + x];
  return turned;
}
