/** Settings on their way from the library to the studio: an address for what is on the server, this tab's storage for the rest. */

const KEY = "darkroom.hand";

/** The studio with a picture's own settings. @param {string} id */
export const sameSettingsAt = (id) => `/?from=${id}`;

/** The studio with a picture on the light table. @param {string} id */
export const inputAt = (id) => `/?input=${id}`;

/** Take along a request that is in no picture of ours; answers the studio's address. @param {import("./types.js").JobRequest} request */
export function handOver(request) {
  sessionStorage.setItem(KEY, JSON.stringify(request));
  return "/?from=hand";
}

/** The request that was handed over, if there is one. @returns {import("./types.js").JobRequest | null} */
export function handed() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}
