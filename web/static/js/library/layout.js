/** Rows of pictures: of one height each, as wide as the grid, in their own shapes. Pure: numbers in, numbers out. */

/**
 * @typedef {{top: number, height: number, first: number, count: number}} Row
 *   pixels; the number of its first picture, and of its pictures
 * @typedef {{width: number, target: number, gap: number}} Frame  pixels; rows are about as high as `target`
 */

const [FLATTEST, TALLEST] = [3, 0.4]; // width to height; what is beyond is shown cut

/** @param {{width: number, height: number}} picture */
export const ratioOf = ({ width, height }) => Math.min(FLATTEST, Math.max(TALLEST, width / height));

/**
 * Go on after the rows that are there. While more pictures are to come the last ones wait until they fill a row, so
 * that what is shown never moves.
 * @param {number[]} ratios  of all pictures @param {Frame} frame @param {boolean} over  no more will come
 * @param {Row[]} [rows]  of the first of them
 */
export function layRows(ratios, { width, target, gap }, over, rows = []) {
  const before = rows.at(-1);
  let first = before ? before.first + before.count : 0;
  let top = before ? before.top + before.height + gap : 0;
  const put = (/** @type {number} */ count, /** @type {number} */ height) => {
    rows.push({ top, height, first, count });
    top += height + gap;
    first += count;
  };
  let sum = 0;
  for (let at = first; at < ratios.length; at += 1) {
    const count = at - first; // before this one
    const without = heightOf(sum, count, width, gap);
    sum += ratios[at];
    const height = heightOf(sum, count + 1, width, gap);
    if (height > target) continue;
    if (count && without - target < target - height) {
      put(count, without);
      sum = ratios[at];
    } else {
      put(count + 1, height);
      sum = 0;
    }
  }
  if (over && first < ratios.length) {
    const count = ratios.length - first;
    put(count, Math.min(heightOf(sum, count, width, gap), rows.at(-1)?.height ?? target));
  }
  return rows;
}

/** Of so many pictures side by side. @param {number} sum of their ratios @param {number} count @param {number} width @param {number} gap */
function heightOf(sum, count, width, gap) {
  return (width - gap * (count - 1)) / sum;
}

/** Pixels from the top to the end of the last row. @param {Row[]} rows */
export function heightOfAll(rows) {
  const last = rows.at(-1);
  return last ? last.top + last.height : 0;
}

/** The number of the first row that reaches below `y`. @param {Row[]} rows @param {number} y pixels */
export function rowAt(rows, y) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].top + rows[middle].height <= y) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The number of the row that holds a picture. @param {Row[]} rows @param {number} at */
export function rowOf(rows, at) {
  let [low, high] = [0, rows.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (rows[middle].first <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Where the pictures of a row begin, pixels from the left, and how wide they are. @param {Row} row @param {number[]} ratios @param {number} gap */
export function placesOf({ first, count, height }, ratios, gap) {
  const places = [];
  let left = 0;
  for (let at = first; at < first + count; at += 1) {
    const width = ratios[at] * height;
    places.push({ at, left, width });
    left += width + gap;
  }
  return places;
}

/**
 * The picture above or below: the one whose middle is nearest.
 * @param {Row[]} rows @param {number[]} ratios @param {number} at @param {number} by rows down @param {number} gap
 */
export function across(rows, ratios, at, by, gap) {
  const here = rowOf(rows, at);
  const there = rows[Math.min(rows.length - 1, Math.max(0, here + by))];
  const middle = (/** @type {{left: number, width: number}} */ { left, width }) => left + width / 2;
  const from = placesOf(rows[here], ratios, gap).find((place) => place.at === at);
  if (!from || there === rows[here]) return at;
  const far = (/** @type {{left: number, width: number}} */ place) => Math.abs(middle(place) - middle(from));
  return placesOf(there, ratios, gap).reduce((best, place) => (far(place) < far(best) ? place : best)).at;
}
