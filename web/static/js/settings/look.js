/** Theme and language: cookies, so that the server renders every page as it is wanted and nothing flashes. */

import { byId } from "../dom.js";

const YEAR = 365 * 24 * 3600; // seconds

/** @param {string} name @param {string} value  "" forgets it */
function keep(name, value) {
  const secure = window.location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; SameSite=Lax; Max-Age=${value ? YEAR : 0}${secure}`;
}

/** @param {string} name */
function kept(name) {
  return document.cookie.split("; ").find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
}

export function startLook() {
  for (const choice of document.querySelectorAll("[name='theme']")) {
    const { value } = /** @type {HTMLInputElement} */ (choice);
    choice.addEventListener("change", () => {
      keep("darkroom-theme", value === "system" ? "" : value);
      document.documentElement.dataset.theme = value;
    });
  }
  const language = byId("language");
  language.value = kept("darkroom-language");
  language.addEventListener("change", () => {
    keep("darkroom-language", language.value);
    window.location.reload();
  });
}
