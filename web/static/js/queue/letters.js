/** Dead letters, an admin's: jobs that crashed their worker twice while they ran alone; tried again or forgotten. */

import { byId, confirming, el, textButton } from "../dom.js";
import { t } from "../i18n.js";
import { plainReason } from "./reasons.js";
import { clock, fromNow } from "./times.js";

/** @typedef {import("../types.js").DeadLetter} DeadLetter */

const list = byId("letters");
/** @type {Map<string, HTMLElement>} */ const shown = new Map();

/** @param {DeadLetter[]} letters @param {import("./actions.js").Actions} actions @param {{now: number, me: string}} around  now: ms */
export function showLetters(letters, actions, { now, me }) {
  const here = new Set(letters.map(({ id }) => id));
  const held = list.contains(document.activeElement);
  for (const [id, node] of shown) {
    if (here.has(id)) continue;
    node.remove();
    shown.delete(id);
  }
  letters.forEach((letter, at) => {
    const node = shown.get(letter.id) ?? makeLetter(letter, actions);
    shown.set(letter.id, node);
    if (list.children[at] !== node) list.insertBefore(node, list.children[at] ?? null);
    const when = /** @type {HTMLElement} */ (node.querySelector(".letter-when"));
    const died = Date.parse(letter.died_at);
    const whose = letter.owner === me ? [] : [t("of {owner}", { owner: letter.owner })];
    const text = [clock(died, now), fromNow((died - now) / 1000), ...whose].join(" · ");
    if (when.textContent !== text) when.textContent = text;
  });
  byId("letters-part").hidden = !letters.length;
  if (held && !list.contains(document.activeElement)) (list.querySelector("button") ?? byId("active-title")).focus();
}

/** @param {DeadLetter} letter @param {import("./actions.js").Actions} actions */
function makeLetter(letter, actions) {
  const { request } = letter;
  const prompt = (request.kind === "grid" ? /** @type {any} */ (request).base : request).prompt;
  return el(
    "li",
    { class: "letter" },
    el("p", { class: "row-asked", text: prompt || t("Without a prompt") }),
    el("p", { text: plainReason(letter) }),
    el("p", { class: "hint letter-when" }),
    el(
      "div",
      { class: "letter-tools" },
      textButton("again", t("Try again"), () => actions.replay(letter)),
      confirming(textButton("trash", t("Forget")), () => actions.purge(letter)),
    ),
  );
}
