/**
 * What the server says of things gone wrong. It speaks English: in another language the page first says by itself what
 * kind of trouble it is, and the server's own words, which know more, follow in brackets.
 */

import { language, t } from "./i18n.js";

const STATUS = /** @type {Record<number, string>} */ ({
  400: t("This could not be understood."),
  401: t("This needs a key."),
  403: t("The key does not allow this."),
  404: t("There is no such thing here, or no longer."),
  409: t("This cannot be done now."),
  413: t("This is too large."),
  415: t("Files of this kind are not taken."),
  422: t("Something in this cannot work."),
  429: t("This is too much for the moment."),
  500: t("The server has made a mistake."),
  503: t("A part of the service is away for the moment."),
});

const FAILURES = /** @type {Record<string, string>} */ ({
  out_of_memory: t("The memory of the device was not enough."),
  model_unavailable: t("The model is not there."),
  worker_crashed: t("The worker broke down over it."),
  bad_image: t("The picture it begins with cannot be read."),
  nan_image: t("The model gave no picture, only broken numbers."),
  storage_error: t("The picture could not be stored or fetched."),
  deadline: t("It was not done in time."),
  internal_error: t("Something in the worker went wrong."),
});

/** A problem's words. @param {number} status of HTTP @param {string} [detail] */
export function reported(status, detail) {
  return detail ? both(STATUS[status], detail) : t("The server answered {status}.", { status });
}

/** Why a job failed. @param {{code: string, message: string}} error */
export function failure({ code, message }) {
  return both(FAILURES[code], message);
}

/** @param {string | undefined} ours @param {string} theirs */
function both(ours, theirs) {
  return language === "en" || !ours ? theirs : t("{ours} ({theirs})", { ours, theirs });
}
