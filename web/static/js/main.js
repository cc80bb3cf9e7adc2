/** Puts the page together. */

import { startAccess } from "./access.js";
import { arrive } from "./arrive.js";
import * as api from "./api.js";
import { showFields, startCompare } from "./axes.js";
import { byId } from "./dom.js";
import { currentPicture, editor, exportMask, kind, load, painted, sourceId, startEditor, unload } from "./canvas/editor.js";
import { startKeeping } from "./canvas/keeping.js";
import { startReview } from "./canvas/review.js";
import { clearErrors, showComplaints, showError } from "./errors.js";
import { complaints, form, readForm, showKind, startForm, writeForm, writeRequest } from "./form.js";
import { generated, startGuide } from "./guide.js";
import { startHelp } from "./help.js";
import { t } from "./i18n.js";
import { startIntake } from "./intake.js";
import { isOver, jobs } from "./jobs.js";
import { refresh, showJobs, showOlder, startTable } from "./table.js";
import { startTabs } from "./tabs.js";
import { follow, unfollow } from "./poll.js";
import { picturesAt } from "./picture.js";
import { remember } from "./prompt/history.js";
import { startProgress, sayWaiting } from "./progress.js";
import { startSeed } from "./seed.js";
import { startService } from "./service.js";
import { showModels } from "./models.js";
import { setOwn, startSize } from "./size.js";
import { askUpscale, startUpscale } from "./upscale.js";
import { startViewer, view } from "./viewer.js";
import { startWords } from "./words.js";

/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./types.js").Picture} Picture */

/** @type {AbortController | null} */ let submitting = null;

/** @typedef {import("./types.js").JobRequest} JobRequest */
/** @param {(request: JobRequest) => JobRequest} [shape]  makes another request of the form's */
async function generate(shape = (request) => request) {
  if (submitting) return;
  const wrong = complaints();
  if (wrong.length) {
    showComplaints(wrong);
    return;
  }
  clearErrors();
  submitting = new AbortController();
  const { signal } = submitting;
  setBusy(true);
  try {
    const job = await submit(signal, shape);
    begin(job);
    generated(job.id);
    remember(byId("prompt").value);
  } catch (error) {
    showError(error);
  } finally {
    submitting = null;
    setBusy(false);
  }
}

/** @param {Job} job */
function begin(job) {
  jobs.put({ ...job, state: "queued" }); // when it is over already, that is still a change to tell of
  jobs.put(job);
  follow(job.id);
  byId("jobs").firstElementChild?.scrollIntoView({ block: "nearest" });
}

/** @param {AbortSignal} signal @param {(request: JobRequest) => JobRequest} shape @returns {Promise<Job>} */
async function submit(signal, shape) {
  const request = readForm(kind());
  const picture = currentPicture();
  if (picture) request.image = await sourceId(signal);
  if (request.kind === "inpaint" && painted()) request.mask = (await api.upload(await exportMask(), signal)).id;
  return api.persist(() => api.submitJob(shape(/** @type {JobRequest} */ (request)), signal), { signal, lossy: true, waiting: sayWaiting });
}

/** The same once more, with another seed. @param {Job} job */
async function another({ request }) {
  try {
    const [seed] = crypto.getRandomValues(new Uint32Array(1));
    const job = await api.persist(() => api.submitJob({ ...request, seed }), { lossy: true, waiting: sayWaiting });
    jobs.put(job);
    follow(job.id);
  } catch (error) {
    showError(error);
  }
}

/** @param {boolean} busy */
function setBusy(busy) {
  byId("generate").classList.toggle("busy", busy);
  byId("generate").setAttribute("aria-disabled", String(busy));
  byId("cancel").disabled = !busy && !jobs.current;
}

/** Cancel what is being sent, else the newest job that is not over. @param {Job} [job] */
async function cancel(job = jobs.current) {
  if (submitting) return submitting.abort();
  if (!job) return undefined;
  try {
    jobs.put(await api.cancelJob(job.id));
  } catch (error) {
    if (!(error instanceof api.Problem && error.status === 409)) showError(error); // 409: it is over already
  }
  return undefined;
}

/** @param {Picture} picture @param {string} [name] @param {string} [maskId] */
async function layOnTable(picture, name = t("Picture with seed {seed}", { seed: picture.seed ?? "" }), maskId) {
  try {
    clearErrors();
    await load(picture, maskId);
    byId("input-name").textContent = name;
  } catch (error) {
    showError(error, "image");
  }
}

/** The same where somebody asks for it, and so wants to see it. @type {typeof layOnTable} */
async function putOnTable(picture, name, maskId) {
  await layOnTable(picture, name, maskId);
  byId("editor").scrollIntoView({ block: "nearest" });
}

/**
 * A request's settings into the form; with a picture's own seed when there is one.
 * @param {{request: import("./types.js").JobRequest}} job @param {Picture | null} picture
 */
async function sameSettings({ request }, picture) {
  const one = picture ? { seed: picture.seed, count: 1, ...variationOf(request, picture) } : {};
  if (request.image) {
    const [image] = await Promise.allSettled([inputOf(request)]);
    if (image.status === "fulfilled") await putOnTable(image.value, t("The same picture"), request.mask);
    else showError(new Error(t("The starting picture was deleted.")), "image");
  } else if (currentPicture()) unload();
  writeRequest({ ...request, ...one });
  sayModel(request.model);
  byId("prompt").focus();
}

/** Tell of a model that is not here; which there are may not be known yet. @param {unknown} name */
function sayModel(name) {
  const here = [...byId("model").options].map((option) => option.value);
  if (!name || !here.length || here.includes(name)) return;
  showError(new Error(t("The model {name} is not here; the one that is chosen takes its place.", { name: String(name) })));
}

/** A picture's own variation: its number is in the variation's seed. @param {import("./types.js").JobRequest} request @param {Picture} picture */
function variationOf({ variation }, { index }) {
  return variation ? { variation: { ...variation, seed: variation.seed + (index ?? 0) } } : {};
}

/** @param {import("./types.js").JobRequest} request @returns {Promise<Picture>} */
async function inputOf(request) {
  const id = request.image ?? "";
  const { width, height } = await api.bitmap(id);
  return { id, url: `/api/v1/images/${id}`, width, height, job_id: null, index: null, seed: null, role: null };
}

/** @param {Job} job @param {number} index */
async function deletePicture({ id }, index) {
  const job = jobs.get(id);
  if (!job) return;
  const both = Object.values(picturesAt(job, index)).flatMap((each) => (each ? [each.id] : []));
  try {
    if (isOver(job) && job.images.length === both.length) {
      await deleteJob(job); // its last picture
      return;
    }
    await Promise.all(both.map(api.deleteImage));
    jobs.forgetPictures(job.id, both);
  } catch (error) {
    showError(error);
  }
}

/** @param {Job} job */
async function deleteJob(job) {
  try {
    await api.deleteJob(job.id);
    unfollow(job.id);
    jobs.forget(job.id);
  } catch (error) {
    showError(error);
  }
}

/** @type {import("./picture.js").Actions} */
const actions = {
  useAsInput: (picture) => putOnTable(picture),
  sameSettings,
  makeLarger: askUpscale,
  deletePicture,
  deleteJob,
  another,
  cancel,
  open: (job, index, sheet) => view(job, index, actions, sheet),
};

/** What the next job does to the starting picture, in words. */
function whatChanges() {
  if (kind() === "img2img") return t("redrawn as a whole");
  return painted() ? t("redrawn where painted") : t("painted on around it");
}

function onPictureChange() {
  const picture = currentPicture();
  showKind(kind());
  showFields(kind());
  setOwn(picture);
  byId("remove-image").hidden = !picture;
  byId("drop").classList.toggle("filled", Boolean(picture));
  byId("input-thumb").style.backgroundImage = picture ? `url("${picture.url}?size=256")` : "";
  if (!picture) byId("input-name").textContent = t("Start from a picture");
  byId("input-about").textContent = picture
    ? `${picture.width} × ${picture.height} · ${whatChanges()}`
    : t("Drop it here, paste it, or choose a file");
}

function listen() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    generate();
  });
  byId("generate").disabled = false;
  byId("cancel").addEventListener("click", () => cancel());
  byId("remove-image").addEventListener("click", unload);
  byId("older").addEventListener("click", () => showOlder().catch(showError));
  editor.addEventListener("change", onPictureChange);
  for (const side of form.querySelectorAll("[name^='extend.'], [name='area']")) side.addEventListener("input", onPictureChange);
  for (const chip of document.querySelectorAll(".chip")) {
    chip.addEventListener("click", () => {
      writeForm({ prompt: chip.textContent });
      byId("generate").focus();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      generate();
    }
    if (event.key === "Escape" && !event.isComposing && !document.querySelector("dialog[open]")) cancel();
  });
}

startAccess();
startForm();
startSeed();
startSize();
startEditor();
startReview(actions);
startViewer(actions);
startTable(actions);
startCompare(generate);
startUpscale(async (request) => begin(await api.persist(() => api.submitJob(request), { lossy: true })));
startProgress();
startIntake(async (file) => putOnTable(await api.upload(file), file.name), (error) => showError(error, "image"));
startService(() => showModels(currentPicture()));
startWords();
listen();
startHelp();
startGuide();
arrive((request, picture) => sameSettings({ request }, picture), putOnTable).catch(showError);
startKeeping(layOnTable, !/[?&](from|input)=/.test(window.location.search)).catch(showError);
showJobs().then(() => startTabs(refresh)).catch(showError);
