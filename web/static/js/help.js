/** Help on every page: the keyboard's shortcuts in a dialog, by its button or the question mark. */

import { byId } from "./dom.js";
import { shortcutList } from "./shortcuts.js";

/** @type {HTMLDialogElement} */ const dialog = byId("help");

function show() {
  if (document.querySelector("dialog[open]")) return;
  byId("more").hidePopover(); // so that the focus has somewhere to come back to
  byId("help-keys").replaceChildren(...shortcutList());
  dialog.showModal();
}

/** Whether keys are letters there. @param {EventTarget | null} target */
function types(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("textarea, select, input:not([type=range], [type=checkbox], [type=radio])"));
}

export function startHelp() {
  byId("help-button").addEventListener("click", show);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey || types(event.target)) return;
    event.preventDefault();
    show();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside it
  });
  dialog.addEventListener("keydown", (event) => event.stopPropagation()); // Esc closes it, and cancels no job
}
