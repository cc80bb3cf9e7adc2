/** Weights in a prompt: which words have which, to be shown, and how to change them. Pure. */

import { parse, UP } from "./grammar.js";

const MOST = 1000; // weights multiply, and are kept within this
const WORD = /(?:\\.|[^\s,;:|()[\]{}<>"\\、。，；：「」（）])+/gsu;

/**
 * A stretch of the prompt of which one thing holds. Signs are brackets, colons, numbers and bars.
 * @typedef {object} Stretch
 * @property {number} start @property {number} end  UTF-16
 * @property {"text" | "sign" | "break" | "and" | "tag" | "escape"} kind
 * @property {number} weight  product of all brackets around it
 * @property {boolean} timed  whether it holds in some of the steps only
 */

/** @typedef {Pick<Stretch, "kind" | "weight" | "timed">} Look */

/**
 * The whole text in stretches, in their order and without gaps.
 * @param {string} text @param {boolean} [composed]  false: AND is a word like others, as in a negative prompt
 * @returns {Stretch[]}
 */
export function stretches(text, composed = true) {
  /** @type {Stretch[]} */ const found = [];
  for (const [at, look] of looks(text, composed).entries()) {
    const last = found.at(-1);
    if (last && last.kind === look.kind && last.weight === look.weight && last.timed === look.timed) last.end = at + 1;
    else found.push({ start: at, end: at + 1, ...look });
  }
  return found;
}

/** What holds of each character. @param {string} text @param {boolean} composed @returns {Look[]} */
function looks(text, composed) {
  const { parts, words } = parse(text, composed);
  /** @type {Look[]} */ const found = Array(text.length).fill({ kind: "text", weight: 1, timed: false });
  /** @param {import("./grammar.js").Group} group @param {Look} around */
  const paint = (group, around) => {
    const weight = Math.max(-MOST, Math.min(around.weight * group.factor, MOST));
    const timed = around.timed || group.kind === "switch" || group.kind === "alternation";
    /** @type {Look} */ const look = { kind: "text", weight, timed };
    found.fill(look, group.start, group.end);
    for (const [start, end] of group.signs) found.fill({ ...look, kind: "sign" }, start, end);
    for (const inner of group.groups) paint(inner, look);
  };
  for (const part of parts) paint(part, { kind: "text", weight: 1, timed: false });
  for (const { kind, start, end } of words) for (let at = start; at < end; at += 1) found[at] = { ...found[at], kind };
  return found;
}

/**
 * @typedef {object} Change
 * @property {number} start @property {number} end  what of the text is replaced
 * @property {string} text   by what
 * @property {[number, number]} selected  the words meant, in the text after it
 * @property {number} weight  that they have then, of their own
 */

/**
 * Another weight for what is selected, or without a selection, for the bracket or the word that the caret is in: brackets
 * with a number, which go where it is 1. Null where there is nothing to weigh, or where that would change anything else.
 * @param {string} text @param {number} from @param {number} to  the selection
 * @param {number} by  0.1 or -0.1 @param {boolean} [composed]
 * @returns {Change | null}
 */
export function reweigh(text, from, to, by, composed = true) {
  const target = targetOf(text, from, to, composed);
  if (!target) return null;
  const [first, last] = target.inner;
  const weight = Number((target.weight + by).toFixed(4));
  const wordy = looks(text, composed).slice(first, last).some(({ kind }) => kind === "text");
  if (!wordy || (weight < 0 && by < 0)) return null;
  const words = text.slice(first, last);
  const ways = [{ before: "(", after: `:${weight})` }];
  if (weight === 1) ways.unshift({ before: "", after: "" });
  for (const { before, after } of ways) {
    const changed = before + words + after;
    const whole = text.slice(0, target.start) + changed + text.slice(target.end);
    const start = target.start + before.length;
    /** @type {[number, number]} */ const selected = [start, start + words.length];
    const paired = !before || weightsIn(parse(whole, composed).parts).some(({ inner }) => inner[0] === selected[0] && inner[1] === selected[1]);
    if (paired && saysTheSame(text, whole, target.inner, composed)) return { start: target.start, end: target.end, text: changed, selected, weight };
  }
  return null;
}

/** @typedef {{start: number, end: number, inner: [number, number], weight: number}} Target */

/** @param {string} text @param {number} from @param {number} to @param {boolean} composed @returns {Target | null} */
function targetOf(text, from, to, composed) {
  const groups = weightsIn(parse(text, composed).parts); // the innermost first
  if (from < to) {
    const [start, end] = trimmed(text, from, to);
    const whole = groups.find((group) => group.start <= start && end <= group.end && holds(start, end, trimmed(text, ...group.inner)));
    return whole ?? (start < end ? alone(start, end) : null);
  }
  const inside = groups.find(({ start, end, closed }) => start < from && (from < end || !closed));
  return inside ?? wordAt(text, from) ?? groups.find(({ start, end }) => start <= from && from <= end) ?? null;
}

/** @param {number} start @param {number} end @param {[number, number]} range */
const holds = (start, end, [first, last]) => start <= first && last <= end;

/** @param {number} start @param {number} end @returns {Target} */
const alone = (start, end) => ({ start, end, inner: [start, end], weight: 1 });

/** Without the spaces at its ends. @param {string} text @param {number} from @param {number} to @returns {[number, number]} */
function trimmed(text, from, to) {
  const part = text.slice(from, to);
  const start = from + part.length - part.trimStart().length;
  return [start, Math.max(start, from + part.trimEnd().length)];
}

/** Brackets that weigh what is in them. @param {import("./grammar.js").Group[]} groups @returns {(Target & {closed: boolean})[]} */
function weightsIn(groups) {
  return groups.flatMap((group) => {
    const { start, end, inner, number, closed, factor } = group;
    const weight = number ?? (factor > 1 ? UP : 0.9);
    return [...weightsIn(group.groups), ...(group.kind === "weight" ? [{ start, end, inner, weight, closed }] : [])];
  });
}

/** The word that a caret touches; a full stop at its end is none of it. @param {string} text @param {number} at */
function wordAt(text, at) {
  for (const { 0: found, index: start } of text.matchAll(WORD)) {
    const word = found.replace(/\.+$/, "");
    if (word && start <= at && at <= start + found.length) return alone(start, start + word.length);
  }
  return null;
}

/** Whether two texts say the same, but for the weight of what stands in a range of the first. @param {string} one @param {string} other @param {[number, number]} range @param {boolean} composed */
function saysTheSame(one, other, [first, last], composed) {
  const [before, after] = [said(one, composed), said(other, composed)];
  return before.length === after.length && before.every((a, at) => {
    const b = after[at];
    const weighed = first <= a.at && a.at < last;
    return a.char === b.char && a.kind === b.kind && a.timed === b.timed && (weighed || Math.abs(a.weight - b.weight) < 1e-9);
  });
}

/** What is no sign, character by character. @param {string} text @param {boolean} composed */
function said(text, composed) {
  return looks(text, composed).flatMap((look, at) => (look.kind === "sign" ? [] : [{ ...look, at, char: text[at] }]));
}
