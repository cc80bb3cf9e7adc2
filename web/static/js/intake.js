/** Ways for a picture to come in: chosen, dropped, pasted. */

import { Problem } from "./api.js";
import { byId } from "./dom.js";
import { megabytes } from "./format.js";
import { t } from "./i18n.js";

const TYPES = ["image/png", "image/jpeg", "image/webp"];

/**
 * @param {(file: File) => Promise<void>} take  what is done with a file
 * @param {(error: unknown) => void} refused
 */
export function startIntake(take, refused) {
  const most = Number(byId("image-file").dataset.maxUpload);
  const drop = byId("drop");

  /** @param {File | undefined} file */
  async function bring(file) {
    if (!file) return;
    drop.classList.add("busy");
    try {
      check(file, most);
      await take(file);
    } catch (error) {
      refused(error);
    } finally {
      drop.classList.remove("busy");
    }
  }

  /** @type {HTMLInputElement} */ const chooser = byId("image-file");
  chooser.addEventListener("change", () => {
    bring(chooser.files?.[0]);
    chooser.value = ""; // so that the same file can be chosen again
  });
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    bring(file);
  });
  listenToDrops(bring);
}

/** The whole page takes what is dropped. @param {(file: File | undefined) => void} take */
function listenToDrops(take) {
  const holdsFile = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  const mark = (/** @type {boolean} */ over) => document.body.classList.toggle("dropping", over);
  document.addEventListener("dragover", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) mark(false);
  });
  document.addEventListener("drop", (event) => {
    mark(false);
    if (!holdsFile(event)) return;
    event.preventDefault();
    take(event.dataTransfer?.files[0]);
  });
}

/** What the server would refuse is told before it is sent. @param {File} file @param {number} most bytes */
function check(file, most) {
  let wrong = "";
  if (!TYPES.includes(file.type)) wrong = t("This is not a PNG, JPEG or WebP picture.");
  else if (file.size > most) wrong = t("This picture has {size}; at most {most} are taken.", { size: megabytes(file.size), most: megabytes(most) });
  if (wrong) throw new Problem(0, { detail: wrong, errors: [{ loc: ["body", "image"], msg: wrong }] }, null);
}
