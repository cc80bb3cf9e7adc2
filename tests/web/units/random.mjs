/** Random numbers that are the same every time: xorshift, 32 bits. */

/** @param {number} seed @returns {() => number} from 0 to below 1 */
export function random(seed) {
  let state = (seed * 2654435761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
