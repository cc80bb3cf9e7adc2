/** Boxes and points in a picture, and which pixels a shape covers. Knows nothing of the page. */

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box  pixels, right and bottom exclusive */
/** @typedef {{x: number, y: number}} Point  pixels from the picture's top left corner */
/** @typedef {Point & {radius: number}} Dab  where a brush stands, and how far it reaches; pixels */
/** @typedef {{from: number, to: number}} Span  pixels of a row, `to` exclusive */

/** @param {number} width @param {number} height @returns {Box} */
export const whole = (width, height) => ({ left: 0, top: 0, right: width, bottom: height });

/** @param {Box} box */
export const widthOf = (box) => box.right - box.left;

/** @param {Box} box */
export const heightOf = (box) => box.bottom - box.top;

/** What two boxes share, or null. @param {Box} a @param {Box} b @returns {Box | null} */
export function shared(a, b) {
  const left = Math.max(a.left, b.left);
  const top = Math.max(a.top, b.top);
  const right = Math.min(a.right, b.right);
  const bottom = Math.min(a.bottom, b.bottom);
  return left < right && top < bottom ? { left, top, right, bottom } : null;
}

/** The smallest box that holds both. @param {Box | null} a @param {Box | null} b @returns {Box | null} */
export function union(a, b) {
  if (!a || !b) return a ?? b;
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

/** @param {Box} box @param {number} by pixels @returns {Box} */
export function widened({ left, top, right, bottom }, by) {
  return { left: left - by, top: top - by, right: right + by, bottom: bottom + by };
}

/** The pixels that points lie in, and those between. @param {Point[]} points @returns {Box} */
export function around(points) {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  return {
    left: Math.floor(Math.min(...xs)),
    top: Math.floor(Math.min(...ys)),
    right: Math.ceil(Math.max(...xs)),
    bottom: Math.ceil(Math.max(...ys)),
  };
}

/** What a stroke from one dab to the next may touch. @param {Dab} a @param {Dab} b @returns {Box} */
export function strokeBox(a, b) {
  return widened(around([a, b]), Math.ceil(Math.max(a.radius, b.radius)));
}

/**
 * The pixels of a row that a stroke may touch; where it does not reach, `to` is not above `from`.
 * @param {Dab} a @param {Dab} b @param {number} y row @returns {Span}
 */
export function strokeSpan(a, b, y) {
  const middle = y + 0.5;
  const radius = Math.max(a.radius, b.radius) + 1e-6; // rather a pixel too many than one on the very edge too few
  const [first, last] = a.y < b.y ? [a, b] : [b, a];
  const at = (/** @type {number} */ height, /** @type {0 | 1} */ level) => {
    const along = first.y < last.y ? Math.min(1, Math.max(0, (height - first.y) / (last.y - first.y))) : level;
    return first.x + along * (last.x - first.x);
  };
  const [one, other] = [at(middle - radius, 0), at(middle + radius, 1)]; // the part of the line that is near enough
  const off = Math.max(first.y - middle, middle - last.y, 0);
  const half = Math.sqrt(Math.max(0, radius * radius - off * off));
  return { from: Math.floor(Math.min(one, other) - half), to: Math.ceil(Math.max(one, other) + half) };
}

/**
 * The pixels of a row whose centres lie in a polygon, by the even-odd rule.
 * @param {Point[]} corners @param {number} y row @returns {Span[]} from left to right
 */
export function spansOf(corners, y) {
  const middle = y + 0.5;
  const crossings = [];
  for (let i = 0; i < corners.length; i += 1) {
    const a = corners[i];
    const b = corners[(i + 1) % corners.length];
    if (a.y <= middle !== b.y <= middle) crossings.push(a.x + ((middle - a.y) / (b.y - a.y)) * (b.x - a.x));
  }
  crossings.sort((one, other) => one - other);
  /** @type {Span[]} */ const spans = [];
  for (let i = 0; i + 1 < crossings.length; i += 2) {
    const from = Math.ceil(crossings[i] - 0.5);
    const to = Math.ceil(crossings[i + 1] - 0.5);
    if (from < to) spans.push({ from, to });
  }
  return spans;
}

/** The corners of a rectangle between two opposite ones. @param {Point} a @param {Point} b @returns {Point[]} */
export function rectangle(a, b) {
  return [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];
}
