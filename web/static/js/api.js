/** Calls to the REST API: problems become exceptions, and what may pass is tried again. */

import { t } from "./i18n.js";
import { reported } from "./reports.js";

const RETRYABLE = new Set([429, 502, 503, 504]);
const PATIENCE = [1, 2, 4, 8]; // seconds between tries, where the server does not say

/** Fires `trouble` (detail: message) when calls fail for a reason that may pass, and `calm` when one succeeds. */
export const connection = new EventTarget();

/** An answer of 400 and above, as RFC 9457 words it. */
export class Problem extends Error {
  /**
   * @param {number} status  of HTTP; 0 = the page itself found it
   * @param {{title?: string, detail?: string, errors?: import("./types.js").FieldError[]}} body
   * @param {number | null} retryAfter  seconds
   * @param {string | null} [spoken]  the language of its words
   */
  constructor(status, body, retryAfter, spoken) {
    super(reported(status, body.detail ?? body.title, spoken));
    this.status = status;
    this.errors = body.errors ?? [];
    this.retryAfter = retryAfter;
  }
}

/** The server could not be reached. */
export class Unreachable extends Error {
  constructor() {
    super(t("The server cannot be reached."));
  }
}

/** What is done when a key is needed: resolves when there is a session. Who can ask for one sets `signIn`. */
export const door = { signIn: async () => {} };

/** What shows the server that a write comes from this page: the cookie that other sites cannot read. */
function token() {
  return /(?:^|; )darkroom_csrf=(\w+)/.exec(document.cookie)?.[1];
}

/**
 * One call. Answers the response; throws Problem, Unreachable, or AbortError.
 * @param {string} path @param {RequestInit} [init]
 */
async function fetched(path, init) {
  const csrf = token();
  const headers = { ...init?.headers, ...(csrf && init?.method ? { "X-CSRF-Token": csrf } : {}) };
  return fetch(path, { cache: "no-cache", ...init, headers }).catch((error) => {
    throw error.name === "AbortError" ? error : new Unreachable();
  });
}

/**
 * The same, and again once there is a session where one is needed: whoever called notices nothing of it.
 * @param {string} path @param {RequestInit} [init] @returns {Promise<Response>}
 */
async function send(path, init) {
  const response = await fetched(path, init);
  if (response.ok || response.status === 304) return response;
  if (response.status === 401 && path !== "/sign-in") {
    await door.signIn();
    init?.signal?.throwIfAborted();
    return send(path, init);
  }
  const body = await response.json().catch(() => ({}));
  const after = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  throw new Problem(response.status, body, Number.isFinite(after) ? after : null, response.headers.get("Content-Language"));
}

/**
 * The JSON of an answer; null where there is none, or nothing new.
 * @param {string} path @param {RequestInit} [init]
 */
async function json(path, init) {
  const response = await send(path, init);
  return response.status === 204 || response.status === 304 ? null : response.json();
}

/** @param {number} seconds @param {AbortSignal} [signal] */
export function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      window.clearTimeout(timer);
      reject(new DOMException("stopped", "AbortError"));
    };
    if (signal?.aborted) return reject(new DOMException("stopped", "AbortError"));
    const timer = window.setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve(undefined);
    }, seconds * 1000);
    signal?.addEventListener("abort", stop, { once: true });
    return undefined;
  });
}

/**
 * Try until it works or fails for good. `lossy`: the call must not be repeated when its answer got lost.
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {{signal?: AbortSignal, lossy?: boolean, waiting?: (message: string, seconds: number) => void}} [options]
 * @returns {Promise<T>}
 */
export async function persist(attempt, { signal, lossy = false, waiting } = {}) {
  for (let tries = 0; ; tries += 1) {
    try {
      const answer = await attempt();
      connection.dispatchEvent(new Event("calm"));
      return answer;
    } catch (error) {
      if (!(error instanceof Problem && RETRYABLE.has(error.status)) && !(error instanceof Unreachable && !lossy)) throw error;
      const asked = error instanceof Problem ? error.retryAfter : null;
      const seconds = asked ?? PATIENCE[Math.min(tries, PATIENCE.length - 1)];
      if (waiting) waiting(error.message, seconds);
      else connection.dispatchEvent(new CustomEvent("trouble", { detail: error.message }));
      await pause(seconds, signal);
    }
  }
}

const post = (/** @type {unknown} */ body) => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

/** @param {string} id @param {number} wait seconds @param {AbortSignal} [signal] */
export const getJob = (id, wait, signal) => json(`/api/v1/jobs/${id}${wait ? `?wait=${wait}` : ""}`, { signal });

/** @param {Record<string, string | number>} query @returns {Promise<{jobs: import("./types.js").Job[], next_cursor: string | null}>} */
export const listJobs = (query) =>
  json(`/api/v1/jobs?${new URLSearchParams(Object.entries(query).map(([k, v]) => [k, String(v)]))}`);

/** @param {object} request @param {AbortSignal} [signal] @returns {Promise<import("./types.js").Job>} */
export const submitJob = (request, signal) => json("/api/v1/jobs", { ...post(request), signal });

/** @param {string} id */
export const cancelJob = (id) => json(`/api/v1/jobs/${id}/cancel`, { method: "POST" });

/** @typedef {Promise<import("./types.js").Job>} SoonJob */
/** @param {string} id @returns {SoonJob} */
export const pauseJob = (id) => json(`/api/v1/jobs/${id}/pause`, { method: "POST" });

/** @param {string} id @returns {SoonJob} */
export const resumeJob = (id) => json(`/api/v1/jobs/${id}/resume`, { method: "POST" });

/** @param {string} id @param {"first" | "last" | "earlier" | "later" | number} to  a number: its place, from 0 @returns {SoonJob} */
export const moveJob = (id, to) => json(`/api/v1/jobs/${id}/move`, post({ to }));

/** @param {string} id @param {import("./types.js").Priority} priority @returns {SoonJob} */
export const setPriority = (id, priority) => json(`/api/v1/jobs/${id}`, { ...post({ priority }), method: "PATCH" });

/** The same request again, as a new job. @param {string} id @returns {SoonJob} */
export const retryJob = (id) => json(`/api/v1/jobs/${id}/retry`, { method: "POST" });

/** @param {string} id */
export const deleteJob = (id) => json(`/api/v1/jobs/${id}`, { method: "DELETE" });

/** What runs and waits, in order. @returns {Promise<{jobs: import("./types.js").Job[], total: number}>} */
export const listActive = () => json("/api/v1/jobs/active");

/** Cancel all of one's own jobs that wait. @returns {Promise<{cancelled: number}>} */
export const clearJobs = () => json("/api/v1/jobs/clear", { method: "POST" });

/** @returns {Promise<{dead_letters: import("./types.js").DeadLetter[]}>} */
export const listLetters = () => json("/api/v1/dead-letters");

/** @param {string} id @returns {SoonJob} */
export const replayLetter = (id) => json(`/api/v1/dead-letters/${id}/replay`, { method: "POST" });

/** @param {string} id */
export const purgeLetter = (id) => json(`/api/v1/dead-letters/${id}`, { method: "DELETE" });

export const purgeLetters = () => json("/api/v1/dead-letters", { method: "DELETE" });

/** @param {string} id */
export const deleteImage = (id) => json(`/api/v1/images/${id}`, { method: "DELETE" });

/** @typedef {import("./types.js").LibraryPicture} LibraryPicture */
/** @param {URLSearchParams} query @param {AbortSignal} [signal] @returns {Promise<{images: LibraryPicture[], next_cursor: string | null}>} */
export const listImages = (query, signal) => json(`/api/v1/images?${query}`, { signal });

/** How many the same query has. @param {URLSearchParams} query @param {AbortSignal} [signal] @returns {Promise<{pictures: number, more: boolean}>} */
export const countImages = (query, signal) => json(`/api/v1/images/count?${query}`, { signal });

/** Boards and tags. @param {AbortSignal} [signal] @returns {Promise<import("./types.js").Labels>} */
export const getLabels = (signal) => json("/api/v1/images/labels", { signal });

/** One picture's record; undefined when there is none. @param {string} id */
export const getImage = async (id) => (await listImages(new URLSearchParams({ id }))).images[0];

/** @param {string} id @returns {Promise<import("./types.js").Metadata>} */
export const getMetadata = (id) => json(`/api/v1/images/${id}/metadata`);

/** @param {string} id @returns {Promise<import("./types.js").Chain>} */
export const getChain = (id) => json(`/api/v1/images/${id}/chain`);

/** @param {string} id @param {import("./types.js").Changes} changes @returns {Promise<LibraryPicture>} */
export const changeImage = (id, changes) => json(`/api/v1/images/${id}`, { ...post(changes), method: "PATCH" });

/** @param {string[]} ids @returns {Promise<{ids: string[], undo_until: string}>} */
export const deleteImages = (ids) => json("/api/v1/images/delete", post({ ids }));

/** @param {string[]} ids @returns {Promise<{ids: string[]}>} */
export const restoreImages = (ids) => json("/api/v1/images/restore", post({ ids }));

/** Make it again and compare: a job. @param {string} id @returns {SoonJob} */
export const verifyImage = (id) => json(`/api/v1/images/${id}/verify`, { method: "POST" });

/** What a file says of its own making. @param {Blob} file @returns {Promise<import("./types.js").Reading>} */
export const readFile = (file) => json("/api/v1/read", { method: "POST", headers: { "Content-Type": file.type }, body: file });

/** @param {Blob} file @param {AbortSignal} [signal] @returns {Promise<import("./types.js").Picture>} */
export const upload = (file, signal) =>
  json("/api/v1/images", { method: "POST", headers: { "Content-Type": file.type }, body: file, signal });

/** A picture of the server's as pixels. @param {string} id */
export async function bitmap(id) {
  const response = await send(`/api/v1/images/${id}`);
  return createImageBitmap(await response.blob());
}

/** The newest preview, or null. @param {string} url @param {number | null} index  null: of all @param {AbortSignal} signal */
export async function preview(url, index, signal) {
  const response = await send(index === null ? url : `${url}?index=${index}`, { cache: "no-store", signal });
  return response.status === 200 ? response.blob() : null;
}

/** @param {{prompt: string, steps: number, negative: boolean}} asked @param {AbortSignal} signal @returns {Promise<import("./types.js").Tokens>} */
export const getTokens = ({ prompt, steps, negative }, signal) =>
  json(`/api/v1/tokens?${new URLSearchParams({ prompt, steps: String(steps), ...(negative ? { negative: "true" } : {}) })}`, { signal });

/** @returns {Promise<{name: string, prompt: string, negative_prompt: string}[]>} */
export const getStyles = () => json("/api/v1/styles");
export const getModels = () => json("/api/v1/models");

/** @returns {Promise<import("./types.js").Queue>} */
export const getQueue = () => json("/api/v1/queue");

/** @param {"pause" | "resume"} verb @returns {Promise<import("./types.js").Queue>} */
export const steerQueue = (verb) => json(`/api/v1/queue/${verb}`, { method: "POST" });

/** @returns {Promise<import("./types.js").Me>} */
export const getMe = () => json("/api/v1/me");

/** What the library keeps of this key. @returns {Promise<{pictures: number, bytes: number, last_day: number}>} */
export const getHoldings = () => json("/api/v1/me/library");

/** Begin a session. @param {string} key */
export const signIn = (key) =>
  send("/sign-in", { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams({ key }) });

export const signOut = () => send("/sign-out", { method: "POST" });
