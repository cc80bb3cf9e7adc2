/** The seed: drawn, cleared, or that of the newest picture. */

import { byId } from "./dom.js";
import { writeForm } from "./form.js";
import { jobs } from "./jobs.js";

export function startSeed() {
  const reuse = byId("reuse-seed");
  byId("dice").addEventListener("click", () => writeForm({ seed: crypto.getRandomValues(new Uint32Array(1))[0] }));
  byId("clear-seed").addEventListener("click", () => writeForm({ seed: null }));
  reuse.addEventListener("click", () => writeForm({ seed: jobs.newestPicture?.seed }));
  const show = () => {
    reuse.disabled = !jobs.newestPicture;
  };
  jobs.addEventListener("change", show);
  jobs.addEventListener("gone", show);
  show();
}
