/**
 * What the server says of things gone wrong. Problems are in the page's language; what workers wrote of a job is English,
 * and is said here. Of words that are not known the page says by itself what kind of trouble it is; they follow in brackets.
 */

import { echo, language, t, written } from "./i18n.js";

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

/** Of a job that failed, and of a picture that came out otherwise than before. */
const FROM_WORKERS = [
  written("The device has too little memory for a picture of this size; ask for a smaller one."),
  written("The model produced values that are not numbers; try another seed or a lower guidance."),
  written("The engine failed on this job; the worker's log says why."),
  written("something broke here; the log tells of {id}"),
  written("this worker has {model}, not {wanted}"),
  written("no worker has the model {model} any more"),
  written("the input picture {id} cannot be read any more"),
  written("the picture to compare with cannot be read any more"),
  written("the picture could not be stored, or read"),
  written("the mask is black everywhere; paint white what is to be repainted"),
  written("the mask is white everywhere and inverted; paint black what is to be repainted"),
  written("it was not started in the time it was given"),
  written("it was not finished in the time it was given"),
  written("the worker crashed {attempts} times while making this, at last by {reason}"),
  written("running out of memory"),
  written("hanging"),
  written("an orderly end"),
  written("a broken device"),
  written("an unknown cause"),
  written("a lease that ran out"),
  written("exit status {status}"),
  written("signal {number}"),
  written("{what}: {before} then, {now} here"),
  written("its size"),
  written("the model's weights"),
  written("the device"),
  written("the number format"),
  written("the number of threads"),
  written("the order of channels in memory"),
  written("whether the U-Net is compiled"),
  written("whether it is strict"),
  written("Darkroom's code"),
  written("torch's version"),
  written("diffusers' version"),
  written("Pillow's version"),
  written("the pixels are the same; the file was packed otherwise"),
  written("it was made by another build or device, of which no more was noted then"),
  written("nothing that is noted differs: the file is not what its job made"),
  written("nothing that is noted differs, but where strict is off a picture depends on its neighbours"),
];

/** What a worker wrote, as far as it is known. @param {string} text */
export function worded(text) {
  return echo(text, FROM_WORKERS) ?? text;
}

/** A problem's words. @param {number} status of HTTP @param {string} [detail] @param {string | null} [spoken]  their language */
export function reported(status, detail, spoken) {
  if (!detail) return t("The server answered {status}.", { status });
  return spoken === language ? detail : both(STATUS[status], detail);
}

/** Why a job failed. @param {{code: string, message: string}} error */
export function failure({ code, message }) {
  return echo(message, FROM_WORKERS) ?? both(FAILURES[code], message);
}

/** @param {string | undefined} ours @param {string} theirs */
function both(ours, theirs) {
  return language === "en" || !ours ? theirs : t("{ours} ({theirs})", { ours, theirs });
}
