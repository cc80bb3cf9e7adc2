/** A file is brought in: what it says of its own making, and the way to the studio with it. */

import { persist, readFile, submitJob } from "../api.js";
import { byId, el } from "../dom.js";
import { handOver } from "../hand.js";
import { t } from "../i18n.js";
import { startIntake } from "../intake.js";
import { fitsForm, nameOfKind } from "../kinds.js";
import { complain } from "../toast.js";
import { fieldsOf } from "./told.js";

/** @typedef {import("../types.js").Reading} Reading */

const dialog = byId("reading");
const MAKERS = {
  darkroom: t("Made with Darkroom"),
  a1111: t("Made with the AUTOMATIC1111 web UI, or written as it does"),
  comfyui: t("Made with ComfyUI"),
  invokeai: t("Made with InvokeAI"),
  unknown: t("It does not say how it was made"),
};
let shown = ""; // address of the file's own pixels

/** @param {string} title @param {any[]} inside  nodes or nothing */
const part = (title, inside) => el("section", {}, el("h3", { text: title }), ...inside);

/** @param {File} file @param {Reading} reading */
function show(file, reading) {
  const { source, parameters, texts, request, notes } = reading;
  URL.revokeObjectURL(shown);
  shown = URL.createObjectURL(file);
  const named = source === "darkroom" && "kind" in parameters ? fieldsOf(parameters) : Object.entries(parameters);
  const pairs = named.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]);
  const raw = Object.entries(texts).flatMap(([name, value]) => [el("h4", { text: name }), el("pre", { tabindex: 0, text: value })]);
  const inside = [];
  if (notes.length) inside.push(part(request ? t("Changed on the way") : t("Why not"), [el("ul", { class: "notes" }, ...notes.map((note) => el("li", { text: note })))]));
  if (pairs.length) inside.push(part(t("What it says"), [el("dl", { class: "pairs" }, ...pairs)]));
  if (raw.length) inside.push(el("details", { class: "more" }, el("summary", { text: t("The texts in the file, as they stand") }), ...raw));
  dialog.replaceChildren(
    el(
      "div",
      { class: "reading-head" },
      el("img", { src: shown, alt: "" }),
      el("div", {}, el("h2", { id: "reading-title", text: MAKERS[source] }), el("p", { class: "hint", text: file.name }), el("p", { text: verdict(reading) })),
    ),
    el("div", { class: "reading-body" }, ...inside),
    el("div", { class: "card-foot" }, el("button", { type: "button", autofocus: true, text: t("Close"), on: { click: () => dialog.close() } }), ...ways(request)),
  );
  if (!dialog.open) dialog.showModal();
}

/** @param {Reading} reading */
function verdict({ source, request, notes }) {
  if (!request) return source === "unknown" ? t("Many programs and sites take the texts out of pictures.") : t("It cannot be asked for here.");
  if (!notes.length) return t("All of it can be asked for here.");
  return t("It can be asked for here, with some changes.");
}

/** Into the form, or where that has no place for it, as it is. @param {Reading["request"]} request */
function ways(request) {
  if (!request) return [];
  const job = /** @type {import("../types.js").Job} */ ({ kind: request.kind });
  const go = fitsForm(job) ? () => window.location.assign(handOver(request)) : () => submit(request);
  const text = fitsForm(job) ? t("Use these settings") : t("Make it: {kind}", { kind: nameOfKind(request.kind).toLowerCase() });
  return [el("button", { type: "button", class: "primary", text, on: { click: go } })];
}

/** @param {import("../types.js").JobRequest} request */
async function submit(request) {
  try {
    await persist(() => submitJob(request), { lossy: true });
    window.location.assign("/");
  } catch (error) {
    dialog.close();
    complain(error);
  }
}

export function startReading() {
  dialog.addEventListener("close", () => URL.revokeObjectURL(shown));
  startIntake(async (file) => show(file, await persist(() => readFile(file))), complain);
}
