/** In what two pictures differ. Pure. */

/**
 * @typedef {[string, string][]} Pairs  names and values, as they are shown
 * @typedef {{name: string, first: string, second: string}} Difference  "" where one has no such
 * @typedef {{text: string, own: boolean}} Run  words in a row; own: the other text has none such there
 */

/** What `parameters` tells in its own words, and what was meant for the first time only. */
const TOLD = new Set([
  "kind", "model", "sampler", "schedule", "steps", "guidance", "seed", "variation", "strength", "width", "height", "prompt",
  "negative_prompt", "count", "previews", "priority", "start_within", "finish_within", "webhook",
]);

/** Those that differ, in the order of the first. @param {Pairs} first @param {Pairs} second @returns {Difference[]} */
export function differences(first, second) {
  const [one, other] = [new Map(first), new Map(second)];
  return [...new Set([...one.keys(), ...other.keys()])]
    .map((name) => ({ name, first: one.get(name) ?? "", second: other.get(name) ?? "" }))
    .filter((each) => each.first !== each.second);
}

/**
 * The rest of a request, by the names it goes by there: `hires.factor`.
 * @param {Record<string, unknown>} request @returns {Pairs}
 */
export function restOf(request) {
  return Object.entries(request).flatMap(([name, value]) => (TOLD.has(name) ? [] : flat(name, value)));
}

/** @param {string} name @param {unknown} value @returns {Pairs} */
function flat(name, value) {
  if (value === null || value === undefined || value === "") return [];
  if (typeof value !== "object") return [[name, String(value)]];
  if (Array.isArray(value)) return value.flatMap((each, at) => flat(value.length > 1 ? `${name}.${at + 1}` : name, each));
  return Object.entries(value).flatMap(([key, each]) => flat(`${name}.${key}`, each));
}

/**
 * A text in runs of words that another has too, in the same order, and such that it has not.
 * @param {string} text @param {string} other @returns {Run[]}
 */
export function apart(text, other) {
  const [words, others] = [text, other].map((each) => each.match(/\s*\S+\s*$|\s*\S+/g) ?? []);
  const [keys, otherKeys] = [words, others].map((each) => each.map((word) => word.trim()));
  const common = longest(keys, otherKeys);
  /** @type {Run[]} */ const runs = [];
  let [at, there] = [0, 0];
  for (const word of words) {
    const shared = there < otherKeys.length && common[at][there] > 0 && follows();
    const last = runs.at(-1);
    if (last && last.own === !shared) last.text += word;
    else runs.push({ text: word, own: !shared });
    at += 1;
  }
  return runs;

  /** Whether the word at `at` is one of the longest common run; `there` is then behind its equal. */
  function follows() {
    if (common[at + 1][there] === common[at][there]) return false;
    while (common[at][there + 1] === common[at][there]) there += 1;
    there += 1;
    return true;
  }
}

/** How many words are common, in order, from each place on. @param {string[]} one @param {string[]} other */
function longest(one, other) {
  const rows = Array.from({ length: one.length + 1 }, () => new Uint16Array(other.length + 1));
  for (let at = one.length - 1; at >= 0; at -= 1) {
    for (let there = other.length - 1; there >= 0; there -= 1) {
      rows[at][there] = one[at] === other[there] ? rows[at + 1][there + 1] + 1 : Math.max(rows[at + 1][there], rows[at][there + 1]);
    }
  }
  return rows;
}
