/** What is done to pictures, one or many: the list follows, and what deletes can be undone. */

import { changeImage, deleteImages, persist, restoreImages } from "../api.js";
import { plural } from "../format.js";
import { complain, toast } from "./toast.js";

/** @typedef {import("../types.js").LibraryPicture} LibraryPicture */

const AT_ONCE = 4; // calls
export const MOST_ZIPPED = 1000; // pictures that one address names

/** @param {number} many */
const pictures = (many) => plural(many, "picture");

export class Actions {
  /** @param {import("./listing.js").Listing} listing @param {import("./selection.js").Selection} selection */
  constructor(listing, selection) {
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
    if (wrong) complain(wrong);
    return changed;
  }

  /** Make them favourites; where all of them are, none. @param {LibraryPicture[]} all */
  async favour(all) {
    const favourite = !all.every((picture) => picture.favourite);
    const changed = await this.change(all, () => ({ favourite }));
    if (all.length > 1 && changed.length) toast(`${pictures(changed.length)} ${favourite ? "marked as favourites" : "no longer favourites"}.`);
    return changed;
  }

  /** @param {string[]} ids @returns {Promise<string[]>} those that are gone */
  async remove(ids) {
    try {
      const { ids: gone, undo_until: until } = await persist(() => deleteImages(ids));
      this.selection.drop(gone);
      const taken = this.listing.remove(gone);
      const stays = Math.max(0, Date.parse(until) - Date.now());
      toast(`${pictures(gone.length)} deleted.`, { undo: () => this.#restore(gone, taken), stays });
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
      if (back.length < ids.length) toast(`${pictures(ids.length - back.length)} could not be brought back.`, { bad: true });
      else toast(`${pictures(back.length)} brought back.`);
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
      toast(`${pictures(all.length)} are more than fit into one download: at most ${MOST_ZIPPED}.`, { bad: true });
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

/** @param {LibraryPicture} picture */
export function fileOf(picture) {
  return `darkroom-${picture.seed ?? picture.id}.${picture.format === "jpeg" ? "jpg" : picture.format}`;
}
