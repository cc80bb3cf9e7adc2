/** Make a picture again and compare: said in plain words. */

import { getJob, persist, verifyImage } from "../api.js";
import { standing } from "../format.js";
import { isOver } from "../jobs.js";
import { plain } from "../kinds.js";

const WAIT = 10; // seconds a call waits for news

/**
 * @param {string} id @param {(text: string, mood: "" | "good" | "bad") => void} say @param {AbortSignal} signal
 */
export async function verify(id, say, signal) {
  say("Asking for it to be made again", "");
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
function verdict({ verification, error, state }) {
  if (!verification || verification.same === null) return [error?.message ?? `It was not made again: the job is ${state}.`, "bad"];
  if (verification.same) return ["Made again, and every byte agrees.", "good"];
  const { reasons, greatest, mean } = verification;
  const why = reasons.length ? ` What differs: ${reasons.join("; ")}.` : "";
  const far = greatest === null || mean === null
    ? " It has another size."
    : ` The largest difference of a pixel is ${greatest} of 255, the mean ${mean.toFixed(2)}.`;
  return [`Made again, it came out different.${why}${far}`, "bad"];
}
