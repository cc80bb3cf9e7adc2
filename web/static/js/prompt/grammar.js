/**
 * The prompt language of docs/prompts.md, as far as its signs go: which characters are words, at which weight, and which
 * are signs. It follows contract/prompt/parser.py step by step; a test holds the two together. Positions are UTF-16, as
 * the DOM counts them. Pure.
 */

const ESCAPED = String.raw`\\(?:[()\[\]{}|:<>_\\]|AND|BREAK)`;
const BESIDE = String.raw`[^\s,.;:|()\[\]{}<>]`; // what makes AND and BREAK beside it a part of another word
const KEYWORD = `(?<!${BESIDE})(?:AND|BREAK)(?!${BESIDE})`;
const TOKEN = new RegExp(String.raw`${ESCAPED}|<lora:[^<>]*>|${KEYWORD}|[()\[\]:|]|[^\\()\[\]:|<AB]+|.`, "gsu");
const NUMBER = /^\s*([+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,20})?|\.[0-9]{1,20}))\s*$/;
const MAX_DEPTH = 64; // a bracket deeper than that is text
const MAX_SIGNS = 2000; // brackets, AND and BREAK; those after that are text
const OPENER = /** @type {Record<string, string>} */ ({ ")": "(", "]": "[" });

export const UP = 1.1; // what (…) multiplies by, and […] divides by

/**
 * @typedef {"weight" | "switch" | "alternation" | "part"} Kind
 *
 * A bracket and what it encloses; of a part that AND composes, all of it.
 * @typedef {object} Group
 * @property {Kind} kind
 * @property {string} bracket  "(", "[", or "" of a part
 * @property {number} start
 * @property {number} end      after its closing bracket, or the end of the text
 * @property {boolean} closed  whether it has one
 * @property {[number, number]} inner  what its weight is of
 * @property {number | null} number    as it is written
 * @property {number} factor   what it multiplies by
 * @property {[number, number][]} signs  its own
 * @property {Group[]} groups  inside it
 * @property {number[]} colons @property {number[]} bars  places that mean something once it is known what it is
 */

/** @typedef {{kind: "break" | "and" | "tag" | "escape", start: number, end: number}} Word  a sign that stands alone */

/** @param {string} bracket @param {number} start @returns {Group} */
function opened(bracket, start) {
  return { kind: "part", bracket, start, end: start, closed: false, inner: [start, start], number: null, factor: 1, signs: [], groups: [], colons: [], bars: [] };
}

/** @param {string} text @param {boolean} composed  false: AND is a word like others, as in a negative prompt */
export function parse(text, composed = true) {
  /** @type {Group[]} */ const parts = [];
  /** @type {Group[]} */ let stack = [opened("", 0)];
  /** @type {Word[]} */ const words = [];
  let [signs, beyond] = [0, 0]; // beyond: brackets that are open and text, being past one of the limits

  /** @param {number} at  of the bracket, or the end of the text */
  const close = (at) => {
    const group = /** @type {Group} */ (stack.pop());
    settle(text, group, at);
    /** @type {Group} */ (stack.at(-1)).groups.push(group);
  };

  /** Make text of brackets that opened since the last such opener and found no end, as in `[sad :( | glad]`. @param {string} opener */
  const giveUpTo = (opener) => {
    let lost = /** @type {Group} */ (stack.pop());
    while (lost.bracket !== opener) {
      const around = /** @type {Group} */ (stack.at(-1));
      around.groups.push(...lost.groups);
      around.colons.push(...lost.colons);
      around.bars.push(...lost.bars);
      lost = /** @type {Group} */ (stack.pop());
    }
    stack.push(lost);
  };

  /** @param {string} token @param {number} at */
  const bracket = (token, at) => {
    if (token === "(" || token === "[") {
      if (stack.length > MAX_DEPTH || signs === MAX_SIGNS) beyond += 1;
      else {
        signs += 1;
        stack.push(opened(token, at));
      }
    } else if (beyond) beyond -= 1;
    else if (stack.some((group) => group.bracket === OPENER[token])) {
      if (stack.at(-1)?.bracket !== OPENER[token]) giveUpTo(OPENER[token]);
      close(at);
    }
  };

  /** @param {string} token @param {number} at */
  const keyword = (token, at) => {
    if (signs === MAX_SIGNS || (token === "AND" && stack.length > 1)) return;
    signs += 1;
    const end = at + token.length;
    words.push({ kind: token === "AND" ? "and" : "break", start: at, end });
    if (token !== "AND") return;
    parts.push({ .../** @type {Group} */ (stack.pop()), end: at });
    stack = [opened("", end)];
  };

  for (const { 0: token, index: at } of text.matchAll(TOKEN)) {
    if ("()[]".includes(token)) bracket(token, at);
    else if (token === ":" && !beyond) stack.at(-1)?.colons.push(at);
    else if (token === "|" && !beyond) stack.at(-1)?.bars.push(at);
    else if (token === "BREAK" || (token === "AND" && composed)) keyword(token, at);
    else if (token[0] === "<" && token.length > 1) words.push({ kind: "tag", start: at, end: at + token.length });
    else if (token[0] === "\\" && token.length > 1) words.push({ kind: "escape", start: at, end: at + 1 });
  }
  while (stack.length > 1) close(text.length);
  parts.push({ .../** @type {Group} */ (stack.pop()), end: text.length });
  if (parts.length > 1) for (const part of parts) weigh(text, part, part.end); // a prompt alone has no weight: "16:9" is text
  return { parts, words };
}

/** The number that alone stands between a group's last colon and here. @param {string} text @param {Group} group @param {number} at */
function numberBefore(text, { colons }, at) {
  const match = colons.length ? NUMBER.exec(text.slice(/** @type {number} */ (colons.at(-1)) + 1, at)) : null;
  return match ? Number(match[1]) : null;
}

/** A weight behind the last colon, if there is one. @param {string} text @param {Group} group @param {number} at  where it ends */
function weigh(text, group, at) {
  group.number = numberBefore(text, group, at);
  const colon = group.number === null ? at : /** @type {number} */ (group.colons.at(-1));
  group.inner = [group.bracket ? group.start + 1 : group.start, colon];
  if (colon < at) group.signs.push([colon, at]);
}

/** Find out what a group is, now that it ends. @param {string} text @param {Group} group @param {number} at  of its bracket */
function settle(text, group, at) {
  group.end = Math.min(at + 1, text.length);
  group.closed = at < text.length;
  group.signs.push([group.start, group.start + 1], [at, group.end]);
  group.inner = [group.start + 1, at];
  group.kind = "weight";
  if (group.bracket === "(") {
    weigh(text, group, at);
    group.factor = group.number ?? UP;
  } else if (group.bars.length) {
    group.kind = "alternation";
    group.signs.push(...group.bars.map((bar) => /** @type {[number, number]} */ ([bar, bar + 1])));
  } else if (group.colons.length <= 2 && numberBefore(text, group, at) !== null) {
    group.kind = "switch";
    const [last] = group.colons.slice(-1);
    group.signs.push([group.colons[0], group.colons[0] + 1], [last, at]);
  } else group.factor = 1 / UP;
}
