/** What is looked for: in the address of the page, and in the words of the API. Pure. */

/**
 * @typedef {{q: string, kind: string, role: string, model: string, sampler: string, seed: string, width: string,
 *   height: string, since: string, until: string, favourite: string, board: string, tag: string[], sort: string}} Query
 * `since` and `until` are days, both of them meant whole: 2026-11-28.
 */

/** @type {Query} */
export const EVERYTHING = {
  q: "", kind: "", role: "", model: "", sampler: "", seed: "", width: "", height: "", since: "", until: "",
  favourite: "", board: "", tag: [], sort: "newest",
};

const NAMES = /** @type {(keyof Query)[]} */ (Object.keys(EVERYTHING));
const DAY = /^\d{4}-\d\d-\d\d$/;

/** @param {string} search  of an address: "?q=cat&tag=sea" @returns {Query} */
export function readQuery(search) {
  const given = new URLSearchParams(search);
  const query = { ...EVERYTHING, tag: given.getAll("tag") };
  for (const name of NAMES) {
    const value = given.get(name);
    if (name !== "tag" && value) query[name] = value;
  }
  return query;
}

/** The shortest address that says the same: "" for everything. @param {Query} query */
export function writeQuery(query) {
  const pairs = NAMES.flatMap((name) => [query[name]].flat().filter((value) => value !== EVERYTHING[name]).map((value) => [name, value]));
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

/** Whether anything is left out. @param {Query} query */
export const isNarrow = (query) => writeQuery({ ...query, sort: EVERYTHING.sort }) !== "";

/** The same for `GET /api/v1/images`. @param {Query} query @returns {URLSearchParams} */
export function toApi(query) {
  const asked = new URLSearchParams(writeQuery({ ...query, q: searched(query.q) }));
  if (DAY.test(query.since)) asked.set("since", moment(query.since, 0));
  if (DAY.test(query.until)) asked.set("until", moment(query.until, 1));
  return asked;
}

/** What is being typed is the beginning of a word; what holds no word finds everything. @param {string} typed */
function searched(typed) {
  const meant = typed.replace(/(?<=^|\s)negative:"?\s*$/i, ""); // of which there is no word yet
  if (meant !== typed) return searched(meant);
  if (!/[\p{L}\p{N}]/u.test(typed)) return "";
  const open = (typed.match(/"/g) ?? []).length % 2 === 1; // a phrase that is still being typed
  if (open) return `${typed}"`;
  return /[\p{L}\p{N}]$/u.test(typed) ? `${typed}*` : typed;
}

/** When a day begins here, or so many days later. @param {string} day @param {number} later */
function moment(day, later) {
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}
