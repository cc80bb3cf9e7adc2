/** The last prompts of this browser, the newest first. Pure but for where they are kept. */

const KEY = "darkroom.history";
export const MOST = 50; // prompts

/** With one more, at the front; the same one is not kept twice. @param {string[]} known @param {string} prompt */
export function withPrompt(known, prompt) {
  const blank = prompt.trim() === "";
  return blank ? known : [prompt, ...known.filter((other) => other !== prompt)].slice(0, MOST);
}

/** @returns {string[]} */
export function prompts() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((each) => typeof each === "string").slice(0, MOST) : [];
  } catch {
    return [];
  }
}

/** @param {string} prompt  that a job was made of */
export function remember(prompt) {
  localStorage.setItem(KEY, JSON.stringify(withPrompt(prompts(), prompt)));
}

export function forget() {
  localStorage.removeItem(KEY);
}
