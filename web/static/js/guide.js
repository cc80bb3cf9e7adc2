/**
 * A first picture, step by step. Each step points at the real control; doing what it says goes on as well as Next does.
 * It is offered where there is nothing yet, and comes again from help (`/?guide`).
 */

import { byId } from "./dom.js";
import { t } from "./i18n.js";
import { isOver, jobs } from "./jobs.js";

const GAP = 14; // pixels between a control and the card
const EDGE = 12; // pixels from the edge of the window
const GLIDE = 300; // ms after which what glides has come to rest

/** @typedef {{at: () => HTMLElement | null, title: string, text: string}} Step */

let asked = ""; // id of the job that was asked for meanwhile

const find = (/** @type {string} */ selector) => /** @type {HTMLElement | null} */ (document.querySelector(selector));

/** In the card of that job. @param {string} selector */
const ofJob = (selector) => find(`.job[data-job-id="${asked}"] ${selector}`);

/** @type {Step[]} */
const STEPS = [
  {
    at: () => find("#prompt"),
    title: t("Say what you want to see"),
    text: t("Plain words will do: a thing, a place, a time of day, a style. All other settings have good values already."),
  },
  {
    at: () => find("#generate"),
    title: t("Press Generate"),
    text: t("Or Ctrl + Enter, from anywhere. You can ask for the next picture at once: each waits for its turn."),
  },
  {
    at: () => ofJob(".frames") ?? find("#progress"),
    title: t("Watch it develop"),
    text: t("It comes out of noise, step by step. The line beside it tells how far it is, and how long it will take."),
  },
  {
    at: () => ofJob(".caption .tools") ?? ofJob(".slip"),
    title: t("Make it yours"),
    text: t("Keep it, start the next one from it, or take its settings and change a word. All pictures are in the library."),
  },
];

const [WRITE, PRESS, WATCH, KEEP] = STEPS.keys();
const card = byId("guide");
let step = -1; // -1: it is not shown
/** @type {HTMLElement | null} */ let target = null;

/** @param {number} next  past the last one it ends */
function show(next) {
  target?.classList.remove("guided");
  step = next < STEPS.length ? next : -1;
  card.hidden = step < 0;
  if (step < 0) return;
  const { title, text } = STEPS[step];
  byId("guide-place").textContent = t("{step} of {steps}", { step: step + 1, steps: STEPS.length });
  byId("guide-title").textContent = title;
  byId("guide-text").textContent = text;
  byId("guide-next").textContent = step === KEEP ? t("Done") : t("Next");
  point();
  target?.scrollIntoView({ block: "nearest" });
  place();
}

/** What is pointed at; it may come and go while its step is shown. */
function point() {
  const found = STEPS[step].at();
  if (found === target && found?.classList.contains("guided")) return;
  target?.classList.remove("guided");
  target = found;
  target?.classList.add("guided");
}

/** Beside the control where there is room, else below or above it, and never over it where that can be. */
function place() {
  if (step < 0) return;
  point();
  const at = target?.getBoundingClientRect() ?? new DOMRect(EDGE, EDGE, 0, 0);
  const { offsetWidth: width, offsetHeight: height } = card;
  const [right, bottom] = [window.innerWidth - width - EDGE, window.innerHeight - height - EDGE];
  const within = (/** @type {number} */ value, /** @type {number} */ most) => Math.max(EDGE, Math.min(most, value));
  const beside = at.right + GAP <= right;
  const below = at.bottom + GAP <= bottom;
  const x = beside ? at.right + GAP : at.left;
  const y = beside ? at.top : below ? at.bottom + GAP : at.top - GAP - height;
  card.style.translate = `${within(x, right)}px ${within(y, bottom)}px`;
}

/** Begin, and let the keyboard know. */
export function startTour() {
  show(WRITE);
  card.focus({ preventScroll: true });
}

function end() {
  const { activeElement } = document;
  show(STEPS.length);
  if (card.contains(activeElement)) byId("prompt").focus();
}

/** A picture was asked for: that is the one to watch. @param {string} id of its job */
export function generated(id) {
  asked = id;
  if (step !== WRITE && step !== PRESS) return;
  show(WATCH);
  look();
}

/** Go on where the job is over. */
function look() {
  const job = jobs.get(asked);
  if (step === WATCH && job && isOver(job)) show(job.state === "succeeded" ? KEEP : STEPS.length);
  else place();
  window.setTimeout(place, GLIDE);
}

export function startGuide() {
  byId("guide-start").addEventListener("click", startTour);
  byId("guide-skip").addEventListener("click", end);
  byId("guide-next").addEventListener("click", () => (step === KEEP ? end() : show(step + 1)));
  card.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation(); // it cancels no job
    end();
  });
  jobs.addEventListener("change", look);
  for (const type of ["scroll", "resize"]) window.addEventListener(type, place, { passive: true, capture: true });
  if (new URLSearchParams(window.location.search).has("guide")) {
    window.history.replaceState(null, "", "/");
    startTour();
  }
}
