/** Puts the library together: the address says what is looked for, and which picture is open. */

import { startAccess } from "../access.js";
import { getModels, listImages, persist } from "../api.js";
import { byId } from "../dom.js";
import { startHelp } from "../help.js";
import { t, tn } from "../i18n.js";
import { startService } from "../service.js";
import { startAbreast } from "./abreast.js";
import { Actions } from "./actions.js";
import { Boards } from "./boards.js";
import { compare, startCompare } from "./compare.js";
import { startDragging } from "./drag.js";
import { learn, setFilter, showModels, showQuery, startFilters, suggest } from "./filters.js";
import { Found } from "./found.js";
import { Grid } from "./grid.js";
import { startKeys } from "./keys.js";
import { askBoard, askTags } from "./labels.js";
import { Listing } from "./listing.js";
import { readQuery, toApi, writeQuery } from "./query.js";
import { startReading } from "./reading.js";
import { Selection } from "./selection.js";
import { Sheet } from "./sheet.js";
import { startSize } from "./size.js";
import { complain, toast, undoLast } from "../toast.js";

const TITLE = document.title;
const grid = byId("grid");

const listing = new Listing();
const selection = new Selection();
const actions = new Actions(listing, selection);
const shown = new Grid(listing, selection, addressOf);
const labelled = getModels().then(showModels, () => {}); // none to choose from, and the header says that the service is away
const sheet = new Sheet(actions, { close, turn, addressOf, open, remove, labelled });

const found = new Found(listing, () => look(query));
const boards = new Boards({
  show: (board) => setFilter({ board }),
  make: () => (selection.empty ? toast(t("Choose pictures first, or drag them here.")) : boardOf(known(selection.ids))),
  learn: ({ boards: all, tags }) => suggest(all.map(({ name }) => name), tags.map(({ name }) => name)),
});

let query = readQuery(window.location.search);
/** @type {string | null} */ let opened = null; // the picture whose page is shown

/** @param {string} id */
function addressOf(id) {
  return `/library/${id}${writeQuery(query)}`;
}

/** Those of the pictures, in the list's order. @param {Iterable<string>} ids */
function known(ids) {
  const meant = new Set(ids);
  return listing.pictures.filter(({ id }) => meant.has(id));
}

// --- where we are -----------------------------------------------------------------------------------

/** Show what the address says. */
function follow() {
  const id = /^\/library\/(.+)$/.exec(window.location.pathname)?.[1] ?? null;
  const asked = readQuery(window.location.search);
  if (writeQuery(asked) !== writeQuery(query)) look(asked);
  if (id !== opened) showPage(id);
}

/** @param {string | null} id */
function showPage(id) {
  const left = opened;
  opened = id;
  byId("library").inert = id !== null;
  document.documentElement.classList.toggle("covered", id !== null);
  if (id) {
    sheet.show(id, listing.get(id));
    document.title = `${listing.get(id)?.prompt.slice(0, 60) || t("Picture")} · Darkroom`;
    return;
  }
  sheet.hide();
  document.title = TITLE;
  if (left) shown.goTo(left);
  grid.focus({ preventScroll: true });
}

/** @param {string} id */
function open(id) {
  const here = opened ? (window.history.state?.depth ?? NaN) : 0; // NaN: there is no grid below
  window.history.pushState({ depth: here + 1 }, "", addressOf(id));
  showPage(id);
}

function close() {
  const depth = window.history.state?.depth; // steps since the grid
  if (depth > 0) window.history.go(-depth);
  else {
    window.history.pushState(null, "", `/library${writeQuery(query)}`);
    showPage(null);
  }
}

/** @param {number} by  1 = the next */
async function turn(by) {
  const id = opened && (await neighbour(opened, by).catch(complain));
  if (!id || !opened) return;
  window.history.replaceState(window.history.state, "", addressOf(id));
  showPage(id);
}

/** The picture beside one: in the list as far as it is there, else by time. @param {string} id @param {number} by */
async function neighbour(id, by) {
  const at = listing.placeOf(id);
  if (at >= 0) {
    if (at + by >= listing.pictures.length) await listing.more();
    return listing.pictures[at + by]?.id;
  }
  const made = sheet.picture?.created_at;
  if (!made) return undefined;
  const asked = toApi(query);
  const later = by > 0 === (query.sort === "oldest");
  asked.set("sort", later ? "oldest" : "newest");
  asked.set(later ? "since" : "until", made);
  asked.set("limit", "2");
  const { images } = await persist(() => listImages(asked));
  return images.find((image) => image.id !== id)?.id;
}

/** @param {import("./query.js").Query} asked */
function look(asked) {
  query = asked;
  showQuery(query);
  selection.clear();
  boards.mark(query.board);
  grid.setAttribute("aria-busy", "true");
  found.begin(query);
  listing.start(query);
}

// --- what is done -----------------------------------------------------------------------------------

/** A picture's page is left by deleting it: for the one that follows. @param {string} id */
async function remove(id) {
  const next = (await neighbour(id, 1).catch(() => undefined)) ?? (await neighbour(id, -1).catch(() => undefined));
  const gone = await actions.remove([id]);
  if (!gone.length || opened !== id) return;
  if (!next) close();
  else {
    window.history.replaceState(window.history.state, "", addressOf(next));
    showPage(next);
  }
}

/** Whether nobody minds when pictures come at the top. */
const calm = () => !opened && selection.empty && !shown.active && window.scrollY === 0;

function showChosen() {
  const count = selection.ids.size;
  byId("chosen").hidden = !count;
  byId("chosen-count").textContent = tn("{count} selected", "{count} selected", count);
  byId("choose-compare").hidden = count !== 2;
  const all = known(selection.ids);
  byId("choose-favourite").setAttribute("aria-pressed", String(all.length > 0 && all.every(({ favourite }) => favourite)));
}

function listenToChosen() {
  const on = (/** @type {string} */ id, /** @type {(all: import("../types.js").LibraryPicture[]) => unknown} */ act) =>
    byId(id).addEventListener("click", () => act(known(selection.ids)));
  on("choose-favourite", (all) => actions.favour(all));
  on("choose-tag", (all) => askTags(all, (changesOf) => actions.change(all, changesOf)));
  on("choose-board", boardOf);
  on("choose-compare", compareChosen);
  on("choose-download", (all) => actions.download(all));
  on("choose-delete", () => removeMany([...selection.ids]));
  on("choose-none", () => {
    selection.clear();
    grid.focus({ preventScroll: true });
  });
  selection.addEventListener("change", showChosen);
  listing.addEventListener("change", showChosen);
}

function compareChosen() {
  const [first, second, third] = known(selection.ids);
  if (second && !third) compare(first, second, open);
}

/** Ask for a board to put pictures on. @param {import("../types.js").LibraryPicture[]} all */
function boardOf(all) {
  askBoard(all, (board) => putOn(all, board));
}

/** Those that the list does not ask for any more leave it. @param {import("../types.js").LibraryPicture[]} all @param {string | null} board */
async function putOn(all, board) {
  const changed = await actions.board(all, board);
  if (!query.board || query.board === board) return;
  const ids = changed.map(({ id }) => id);
  selection.drop(ids);
  listing.remove(ids);
}

/** The keyboard goes on where they were. @param {string[]} ids */
async function removeMany(ids) {
  const [first] = known(ids);
  const at = first ? listing.placeOf(first.id) : 0;
  const gone = await actions.remove(ids);
  const next = listing.pictures[Math.min(at, listing.pictures.length - 1)];
  if (gone.length && next) shown.goTo(next.id);
  if (gone.length) grid.focus({ preventScroll: true });
}

function listen() {
  listing.addEventListener("change", () => learn(listing.pictures.slice(-200)));
  window.addEventListener("popstate", follow);
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.matches("input, textarea, select");
    if (typing) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") undoLast();
    else if (event.key === "/" && !opened) byId("q").focus();
    else return;
    event.preventDefault();
  });
  startFilters((asked, typing) => {
    const address = `/library${writeQuery(asked)}`;
    if (typing) window.history.replaceState(null, "", address);
    else window.history.pushState(null, "", address);
    look(asked);
  });
  startKeys(shown, selection, { open, remove: removeMany, favour: (ids) => actions.favour(known(ids)), compare: compareChosen });
  startDragging(
    (id) => (selection.ids.has(id) ? [...selection.ids] : [id]),
    (ids, board) => (board ? putOn(known(ids), board) : boardOf(known(ids))),
  );
  startAbreast(listing, () => [...shown.near, ...(opened ? [opened] : [])], calm, () => {
    found.begin(query);
    listing.start(query);
  });
  startCompare();
  startSize((pixels) => shown.resize(pixels));
  actions.addEventListener("labels", () => boards.refresh());
  boards.refresh();
  listenToChosen();
}

startAccess();
startService();
startHelp();
startReading();
listen();
look(query);
follow();
