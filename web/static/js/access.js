/** Keys: a dialog over the page when one is needed, so that nothing in the form is lost, and the way out. */

import { door, getMe, Problem, signIn, signOut } from "./api.js";
import { byId } from "./dom.js";
import { t } from "./i18n.js";

/** @type {HTMLDialogElement} */ const dialog = byId("sign-in");
const input = byId("sign-in-key");
const complaint = byId("sign-in-error");
const out = byId("sign-out");
const hold = byId("hold-queue");
/** @type {Promise<void> | null} */ let asking = null;

/** Ask for a key until one fits; however many calls wait for it, once. */
function ask() {
  asking ??= new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(undefined), { once: true });
    dialog.showModal();
    input.focus();
  }).then(() => {
    asking = null;
    showWho();
  });
  return asking;
}

/** @param {string} message */
function complain(message) {
  complaint.textContent = message;
  complaint.hidden = !message;
  if (message) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

/** @param {unknown} error */
function why(error) {
  const status = error instanceof Problem ? error.status : 0;
  if (status === 401) return t("That is no key of this Darkroom. Keys begin with darkroom_; whoever runs it can make you one.");
  if (status === 429) return t("Too many wrong keys; wait a little.");
  return error instanceof Error ? error.message : String(error);
}

async function submit() {
  complain("");
  try {
    await signIn(input.value);
    input.value = "";
    dialog.close();
  } catch (error) {
    complain(why(error));
    input.select();
  }
}

/** Who can sign out is told as whom, and an admin may pause the queue. */
async function showWho() {
  const me = await getMe().catch(() => null);
  hold.hidden = !me?.scopes.includes("admin");
  hold.classList.remove("reserved");
  out.hidden = !me?.session;
  if (me) out.title = t("Signed in as {name}", { name: me.name });
}

export function startAccess() {
  door.signIn = ask;
  dialog.addEventListener("cancel", (event) => event.preventDefault()); // Esc: nothing behind it works without a key
  byId("sign-in-form").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    submit();
  });
  out.addEventListener("click", async () => {
    await signOut().catch(() => {});
    window.location.assign("/sign-in");
  });
  showWho();
}
