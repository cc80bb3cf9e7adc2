/** How large the pictures of the grid are: kept in the browser. */

import { byId } from "../dom.js";

const KEY = "darkroom.library.size";

/** @param {(pixels: number) => void} resize  about so high rows are to be */
export function startSize(resize) {
  const slider = byId("size");
  const kept = Number(localStorage.getItem(KEY));
  if (kept) slider.value = String(kept); // the slider keeps it within its bounds
  slider.addEventListener("input", () => {
    localStorage.setItem(KEY, slider.value);
    resize(Number(slider.value));
  });
  resize(Number(slider.value));
}
