/** What a request asks for and the form has no control for: told in a line, it goes along with the next jobs. */

import { byId } from "./dom.js";
import { list } from "./format.js";

const KEY = "darkroom.carried";
const OWN = new Set(["kind", "image", "mask"]); // told by the light table
const ONCE = new Set(["webhook", "start_within", "finish_within", "previews"]); // were meant for the first time
const USUAL = /** @type {Record<string, unknown>} */ ({ metadata: true });

/** @type {Record<string, any>} */ let fields = {};

/** @param {string} name @param {unknown} value */
const isNothing = (name, value) => value === null || value === undefined || value === USUAL[name] || (Array.isArray(value) && !value.length);

/**
 * Take over from a request what has no control. `shown`: whether there is one of this name.
 * @param {Record<string, any>} request @param {(name: string) => boolean} shown
 */
export function carry(request, shown) {
  fields = {};
  for (const [name, value] of Object.entries(request)) {
    if (OWN.has(name) || ONCE.has(name) || isNothing(name, value)) continue;
    if (name === "styles" && value.length > 1) fields.styles = value; // the form chooses one
    else if (typeof value === "object" && !Array.isArray(value) && Object.keys(value).some((part) => shown(`${name}.${part}`))) {
      const rest = Object.entries(value).filter(([part, inner]) => !shown(`${name}.${part}`) && !isNothing(part, inner));
      if (rest.length) fields[name] = Object.fromEntries(rest);
    } else if (!shown(name) && !["variation", "extend", "hires"].includes(name)) fields[name] = value;
  }
  if (fields.styles) byId("styles").value = "";
  keep();
}

/** @param {Record<string, any>} request  of the form's controls */
export function withCarried(request) {
  const all = { ...request };
  for (const [name, value] of Object.entries(fields)) {
    if (name !== "hires") all[name] = value;
    else if (all.hires) all.hires = { ...value, ...all.hires };
  }
  return all;
}

function keep() {
  localStorage.setItem(KEY, JSON.stringify(fields));
  const names = Object.keys(fields).sort().map((name) => name.replaceAll("_", " "));
  byId("carried").hidden = !names.length;
  byId("carried-names").textContent = list(names);
}

export function startCarried() {
  try {
    fields = JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    fields = {};
  }
  keep();
  byId("drop-carried").addEventListener("click", () => {
    fields = {};
    keep();
    byId("prompt").focus();
  });
  byId("styles").addEventListener("input", (/** @type {Event} */ event) => {
    if (!event.isTrusted || !fields.styles) return; // only what a person chooses takes the place of several
    delete fields.styles;
    keep();
  });
}
