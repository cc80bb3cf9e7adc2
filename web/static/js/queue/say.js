/** For ears only: what has happened to one's own jobs since the last look. */

import { byId } from "../dom.js";
import { standing } from "../format.js";
import { t, tn } from "../i18n.js";
import { failure } from "../reports.js";
import { nameOf } from "./row.js";

/** @typedef {import("../types.js").Job} Job */

const MOST = 3; // changes that are told one by one

/** The same words twice are said twice. @param {string} words */
export function say(words) {
  const place = byId("announce");
  place.textContent = place.textContent === words ? `${words}\u00a0` : words;
}

/** Steps and places are not worth a word. @param {Map<string, Job>} before @param {Job[]} now  all that are known */
export function sayChanges(before, now) {
  const changed = now.filter((job) => {
    const was = before.get(job.id);
    return was && (was.state !== job.state || was.paused !== job.paused);
  });
  if (changed.length > MOST) say(tn("{count} job has changed.", "{count} jobs have changed.", changed.length));
  else if (changed.length) say(changed.map((job) => t("{name}: {standing}", { name: nameOf(job), standing: told(job) })).join(" "));
}

/** @param {Job} job */
const told = (job) => (job.error ? t("Failed: {why}", { why: failure(job.error) }) : standing(job));
