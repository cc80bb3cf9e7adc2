/** How far a brush covers pixels on its way from one place to the next. Knows nothing of the page. */

/** @typedef {import("./geometry.js").Dab} Dab */

/** How far a pixel is covered (0 to 1) by its distance in radii. @param {number} away @param {number} hardness 0 to 1 */
export function coverage(away, hardness) {
  if (away <= hardness) return 1;
  if (away >= 1) return 0;
  const part = (1 - away) / (1 - hardness);
  return part * part * (3 - 2 * part); // without an edge at either end
}

/**
 * For every cover but the last (0 to 254, in 255ths) the squared distance in radii from which on a pixel is covered by no
 * more: where a stroke passes again, one comparison tells most pixels that nothing changes.
 * @param {number} hardness 0 to 1
 */
export function limits(hardness) {
  return Float64Array.from({ length: 255 }, (_, cover) => {
    let [more, enough] = [hardness, 1]; // distances
    for (let turn = 0; turn < 40; turn += 1) {
      const middle = (more + enough) / 2;
      if (Math.round(255 * coverage(middle, hardness)) > cover) more = middle;
      else enough = middle;
    }
    return enough * enough;
  });
}

/**
 * Raise the cover of a row's pixels to what a stroke from one dab to the next covers; with pressure that changes by the
 * radius at the nearest place. One flat loop on purpose: most of a stroke's time is spent in it, and a call for each pixel
 * makes it twice as slow.
 * @param {{from: Dab, to: Dab, hardness: number, limits: Float64Array}} stroke
 * @param {Uint8Array} cover 0 to 255 @param {number} start  index of the first pixel @param {number} left  its column
 * @param {number} right  column of the last one, exclusive @param {number} y  their row
 * @param {Uint16Array} raised  is told the indexes of those that are covered further now @returns {number} how many
 */
export function raise({ from, to, hardness, limits: beyond }, cover, start, left, right, y, raised) {
  const { x: ax, y: ay, radius } = from;
  const [dx, dy, wider] = [to.x - ax, to.y - ay, to.radius - radius];
  const length2 = dx * dx + dy * dy || 1; // of a dot nothing lies along it
  const py = y + 0.5 - ay;
  let count = 0;
  for (let x = left, at = start; x < right; x += 1, at += 1) {
    const held = cover[at];
    if (held === 255) continue;
    const px = x + 0.5 - ax;
    const part = (px * dx + py * dy) / length2;
    const along = part < 0 ? 0 : part > 1 ? 1 : part;
    const offX = px - along * dx;
    const offY = py - along * dy;
    const here = radius + along * wider;
    const square = (offX * offX + offY * offY) / (here * here);
    if (square > beyond[held]) continue;
    const now = Math.round(255 * coverage(Math.sqrt(square), hardness));
    if (now <= held) continue;
    cover[at] = now;
    raised[count] = at;
    count += 1;
  }
  return count;
}
