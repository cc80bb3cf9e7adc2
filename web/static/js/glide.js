/** Changes of the list slide instead of jumping: what is on the screen begins where it stood. */

const LASTS = { duration: 280, easing: "cubic-bezier(0.2, 0, 0, 1)" };
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

/**
 * Do something that moves these elements, and let each glide from its old place to its new one. An element in another
 * comes after it, directly inside, and glides by what is left.
 * @param {Element[]} elements @param {() => void} act
 */
export function glide(elements, act) {
  const before = still.matches ? [] : elements.map((each) => ({ each, was: each.getBoundingClientRect() }));
  const room = window.innerHeight; // what comes into view has a way to go as well
  const seen = before.filter(({ was }) => was.height && was.bottom > -room && was.top < 2 * room);
  act();
  for (const { each } of seen) for (const animation of each.getAnimations()) animation.cancel();
  const places = seen.map(({ each, was }) => ({ each, was, is: each.getBoundingClientRect() }));
  /** @type {Map<Element | null, {x: number, y: number}>} */ const moves = new Map();
  for (const { each, was, is } of places.filter(({ is }) => is.height)) {
    const move = { x: was.left - is.left, y: was.top - is.top };
    const { x, y } = moves.get(each.parentElement) ?? { x: 0, y: 0 };
    moves.set(each, move);
    const from = `translate(${move.x - x}px, ${move.y - y}px)`;
    if (move.x !== x || move.y !== y) each.animate([{ transform: from }, { transform: "none" }], LASTS);
  }
}
