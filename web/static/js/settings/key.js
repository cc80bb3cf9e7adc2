/** Whose key this is, what it may do, and what it has used of what it may use. */

import { getHoldings, getMe, persist } from "../api.js";
import { byId, el } from "../dom.js";
import { bytes, list, moment, number } from "../format.js";
import { t } from "../i18n.js";

const LOCAL = "local"; // who everybody is while there are no keys
const SCOPES = /** @type {Record<import("../types.js").Me["scopes"][number], string>} */ ({
  read: t("See pictures and jobs"),
  generate: t("Make, change and delete pictures"),
  admin: t("All of that with everybody’s things, and steer the whole queue"),
});

/** @param {number} used @param {number | null} most */
const share = (used, most) => (most === null ? number(used) : t("{used} of {most}", { used: number(used), most: number(most) }));

export async function showKey() {
  const [me, holdings] = await Promise.all([persist(getMe), persist(getHoldings)]);
  const { quota, usage } = me;
  byId("who").textContent =
    me.owner === LOCAL ? t("No key is needed here: whoever reaches this Darkroom may do everything.") : t("The key {name} may:", { name: me.name });
  byId("scopes").replaceChildren(...(me.owner === LOCAL ? [] : me.scopes.map((scope) => el("li", { text: SCOPES[scope] }))));
  const rows = [
    ...meter(t("Megapixel-steps in the last hour"), usage.last_hour, quota.cost),
    ...meter(t("Jobs waiting or running"), usage.in_flight, quota.jobs),
    ...(quota.rate === null ? [] : pair(t("Requests a minute"), t("at most {most}", { most: number(quota.rate) }))),
    ...pair(t("Pictures in the last 24 hours"), number(holdings.last_day)),
    ...pair(t("Pictures in the library"), list([number(holdings.pictures), bytes(holdings.bytes)])),
    ...pair(t("Jobs so far"), number(usage.jobs)),
    ...pair(t("Megapixel-steps so far"), number(usage.cost)),
    ...(usage.used_at ? pair(t("Last used"), moment(usage.used_at)) : []),
  ];
  byId("usage").replaceChildren(...rows);
  byId("admin").hidden = !me.scopes.includes("admin");
}

/** @param {string} name @param {string} value */
const pair = (name, value) => [el("dt", { text: name }), el("dd", { text: value })];

/** With a bar where there is a limit. @param {string} name @param {number} used @param {number | null} most */
function meter(name, used, most) {
  const [title, value] = pair(name, share(used, most));
  if (most !== null) {
    const bar = el("span");
    bar.style.setProperty("--done", String(Math.min(1, used / most)));
    value.append(el("div", { class: "bar", "aria-hidden": "true" }, bar));
  }
  return [title, value];
}
