/** Why a worker went down over a job, in plain words. */

import { t } from "../i18n.js";

/** @param {string} reason  as contract/deaths.py has it: a signal, an exit status, or words */
function ended(reason) {
  if (reason === "running out of memory") return t("It needs more memory than its worker has.");
  if (reason === "SIGKILL") return t("Its worker was killed each time, which the system does when memory runs out.");
  if (reason === "hanging") return t("It made its worker stand still.");
  if (reason === "a lease that ran out" || reason === "an unknown cause") return t("Its worker went silent each time.");
  if (/^SIG|^signal /.test(reason)) return t("It made its worker crash ({reason}).", { reason });
  return t("Its worker ended each time ({reason}).", { reason });
}

/** @param {import("../types.js").DeadLetter} letter */
export function plainReason({ reason, attempts }) {
  return `${ended(reason)} ${t("It was begun {count} times, the last two by itself.", { count: attempts })}`;
}
