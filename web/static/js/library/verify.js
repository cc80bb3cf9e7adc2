/** Make a picture again and compare: said in plain words. */

import { getJob, persist, verifyImage } from "../api.js";
import { number, paragraph, standing } from "../format.js";
import { t } from "../i18n.js";
import { isOver } from "../jobs.js";
import { plain } from "../kinds.js";
import { failure, worded } from "../reports.js";

const WAIT = 10; // seconds a call waits for news

/**
 * @param {string} id @param {(text: string, mood: "" | "good" | "bad") => void} say @param {AbortSignal} signal
 */
export async function verify(id, say, signal) {
  say(t("Asking for it to be made again"), "");
  try {
    let job = await persist(() => verifyImage(id), { signal, lossy: true });
    while (!isOver(job)) {
      say(standing(plain(job)), "");
      const { id: jobId } = job;
      job = (await persist(() => getJob(jobId, WAIT, signal), { signal })) ?? job;
    }
    say(...verdict(job));
  } catch (error) {
    if (!signal.aborted) say(error instanceof Error ? error.message : String(error), "bad");
  }
}

/** @param {import("../types.js").Job} job @returns {[string, "good" | "bad"]} */
function verdict({ verification, error }) {
  if (!verification || verification.same === null) return [error ? failure(error) : t("It was not made again: the job was cancelled."), "bad"];
  if (verification.same) return [t("Made again, and every byte agrees."), "good"];
  const { reasons, greatest, mean } = verification;
  const told = [t("Made again, it came out different.")];
  if (reasons.length) told.push(t("What differs: {reasons}.", { reasons: reasons.map(worded).join("; ") }));
  if (greatest === null || mean === null) told.push(t("It has another size."));
  else told.push(t("The largest difference of a pixel is {greatest} of 255, the mean {mean}.", { greatest, mean: number(mean, 2) }));
  return [paragraph(told), "bad"];
}
