/**
 * The words of the page in its language. The English sentence is the key; the page's own translations stand in it as
 * data (#messages), and what has none is said in English. Knows of the document no more than that, so it runs without one.
 */

/** @typedef {Record<string, string | number>} Values */
/** @typedef {string | Record<string, string>} Text  a sentence, or its forms by plural category */

const { document } = globalThis;

/** The page's language, a BCP 47 code. */
export const language = document?.documentElement.lang || "en";

/**
 * The same as the browser knows it, with its country where it names one: 11/28/2026 in America, 28/11/2026 in Britain.
 */
export const locale = globalThis.navigator?.languages?.find((each) => each.split("-")[0] === language) ?? language;

/** @type {Record<string, Text>} */ const messages = JSON.parse(document?.getElementById("messages")?.textContent || "{}");
const PLACE = /\{(\w+)\}/g;
const rules = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(locale);

/**
 * A sentence in the page's language, each {name} replaced by the value of that name.
 * @param {string} sentence @param {Values} [values]
 */
export function t(sentence, values = {}) {
  return fill(chosen(messages[sentence], "other") ?? sentence, values);
}

/**
 * A sentence that counts, in the form that its language has for so many: {count} is the number as people write it.
 * @param {string} one @param {string} many  which is the key @param {number} count @param {Values} [values]
 */
export function tn(one, many, count, values = {}) {
  const text = chosen(messages[many], rules.select(count)) ?? (count === 1 ? one : many);
  return fill(text, { count: numbers.format(count), ...values });
}

/**
 * Marks a sentence that others write, so that its translation comes with the page; it is looked for by `echo`.
 * @param {string} sentence
 */
export const written = (sentence) => sentence;

/**
 * What others wrote by one of these sentences, in the page's language; null where it is by none of them. What fills a
 * place may be one of them too.
 * @param {string} text @param {string[]} sentences @returns {string | null}
 */
export function echo(text, sentences) {
  for (const sentence of sentences) {
    const names = [...sentence.matchAll(PLACE)].map(([, name]) => name);
    const between = sentence.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const [found, ...values] = new RegExp(`^${between.join("(.+)")}$`, "s").exec(text) ?? [];
    if (found !== undefined) return t(sentence, Object.fromEntries(values.map((value, at) => [names[at], echo(value, sentences) ?? value])));
  }
  return null;
}

/** @param {Text | undefined} text @param {string} category */
function chosen(text, category) {
  return typeof text === "object" ? (text[category] ?? text.other) : text;
}

/** @param {string} text @param {Values} values */
function fill(text, values) {
  return text.replace(PLACE, (place, name) => String(values[name] ?? place));
}
