/** What is done to pictures, one or many: the list follows, and what deletes can be undone. */

import { changeImage, deleteImages, persist, restoreImages } from "../api.js";
import { number } from "../format.js";
import { t, tn } from "../i18n.js";
import { tell } from "../tabs.js";
import { complain, toast } from "../toast.js";

/** @typedef {import("../types.js").LibraryPicture} LibraryPicture */

const AT_ONCE = 4; // calls
export const MOST_ZIPPED = 1000; // pictures that one address names

/** Fires `labels` when boards or tags may have others, or other numbers of pictures. */
export class Actions extends EventTarget {
  /** @param {import("./listing.js").Listing} listing @param {import("./selection.js").Selection} selection */
  constructor(listing, selection) {
    super();
    this.listing = listing;
    this.selection = selection;
  }

  /**
   * Change each of them, a few at a time; those that could be changed, as they are now.
   * @param {LibraryPicture[]} all @param {(picture: LibraryPicture) => import("../types.js").Changes} changesOf
   */
  async change(all, changesOf) {
    /** @type {LibraryPicture[]} */ const changed = [];
    const left = [...all];
    /** @type {unknown} */ let wrong = null;
    const work = async () => {
      for (let picture = left.shift(); picture; picture = left.shift()) {
        const { id } = picture;
        const changes = changesOf(picture);
        try {
          changed.push(await persist(() => changeImage(id, changes)));
        } catch (error) {
          wrong = error;
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (changed.length) this.listing.update(changed);
    if (changed.length) tell("pictures");
    if (all.some((picture) => Object.keys(changesOf(picture)).some((name) => name !== "favourite"))) this.#relabel();
    if (wrong) complain(wrong);
    return changed;
  }

  /** Make them favourites; where all of them are, none. @param {LibraryPicture[]} all */
  async favour(all) {
    const favourite = !all.every((picture) => picture.favourite);
    const changed = await this.change(all, () => ({ favourite }));
    if (all.length > 1 && changed.length) toast(favourite ? marked(changed.length) : unmarked(changed.length));
    return changed;
  }

  /** Put pictures on a board, which can be undone for a while. @param {LibraryPicture[]} all @param {string | null} board  null = on none */
  async board(all, board) {
    const before = new Map(all.map((picture) => [picture.id, picture.board]));
    const changed = await this.change(all, () => ({ board }));
    if (!changed.length) return changed;
    const undo = () => this.change(changed, ({ id }) => ({ board: before.get(id) ?? null }));
    toast(board ? put(changed.length, board) : tn("{count} picture is on no board.", "{count} pictures are on no board.", changed.length), { undo });
    return changed;
  }

  /** Some came or went: boards have other numbers, and other tabs are to know. */
  #tellAll() {
    this.#relabel();
    tell("pictures");
    tell("jobs");
  }

  #relabel() {
    this.dispatchEvent(new Event("labels"));
  }

  /** @param {string[]} ids @returns {Promise<string[]>} those that are gone */
  async remove(ids) {
    try {
      const { ids: gone, undo_until: until } = await persist(() => deleteImages(ids));
      this.selection.drop(gone);
      const taken = this.listing.remove(gone);
      this.#tellAll();
      const stays = Math.max(0, Date.parse(until) - Date.now());
      toast(tn("{count} picture deleted.", "{count} pictures deleted.", gone.length), { undo: () => this.#restore(gone, taken), stays });
      return gone;
    } catch (error) {
      complain(error);
      return [];
    }
  }

  /** @param {string[]} ids @param {{picture: LibraryPicture, at: number}[]} taken */
  async #restore(ids, taken) {
    try {
      const { ids: back } = await persist(() => restoreImages(ids));
      const here = new Set(back);
      this.listing.putBack(taken.filter(({ picture }) => here.has(picture.id)));
      const lost = ids.length - back.length;
      if (lost) toast(tn("{count} picture could not be brought back.", "{count} pictures could not be brought back.", lost), { bad: true });
      else toast(tn("{count} picture brought back.", "{count} pictures brought back.", back.length));
      this.#tellAll();
      this.onRestored(back);
    } catch (error) {
      complain(error);
    }
  }

  /** Hears which pictures are back. @param {string[]} ids */
  onRestored(ids) {}

  /** One as its file, many as an archive. @param {LibraryPicture[]} all */
  download(all) {
    if (all.length > MOST_ZIPPED) {
      toast(t("{count} pictures are more than fit into one download: at most {most}.", { count: number(all.length), most: number(MOST_ZIPPED) }), { bad: true });
      return;
    }
    const [first] = all;
    const link = document.createElement("a");
    if (all.length === 1) {
      link.href = first.url;
      link.download = fileOf(first);
    } else {
      link.href = `/api/v1/images/zip?${new URLSearchParams(all.map(({ id }) => ["id", id]))}`;
      link.download = "pictures.zip";
    }
    link.click();
  }
}

/** @param {number} many */
const marked = (many) => tn("{count} picture marked as a favourite.", "{count} pictures marked as favourites.", many);

/** @param {number} many */
const unmarked = (many) => tn("{count} picture no longer a favourite.", "{count} pictures no longer favourites.", many);

/** @param {LibraryPicture} picture */
export function fileOf(picture) {
  return `darkroom-${picture.seed ?? picture.id}.${picture.format === "jpeg" ? "jpg" : picture.format}`;
}

/** @param {number} many @param {string} board */
const put = (many, board) => tn("{count} picture is on {board}.", "{count} pictures are on {board}.", many, { board });
