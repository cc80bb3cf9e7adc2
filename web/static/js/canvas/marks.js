/** Lines over the picture: the border that is added, the part that is redrawn, the shape that is being drawn. */

import { byId } from "../dom.js";
import { whole } from "./geometry.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./region.js").Sides} Sides */

/** @param {Box} box */
const outline = ({ left, top, right, bottom }) => `M${left} ${top}H${right}V${bottom}H${left}Z`;

/** @param {string} id @param {string} path */
function draw(id, path) {
  byId(id).setAttribute("d", path);
}

/** Lines are drawn in the picture's pixels. @param {import("./view.js").Size} picture */
export function setMarks({ width, height }) {
  byId("marks").setAttribute("viewBox", `0 0 ${width} ${height}`);
}

/** The picture with what is added. @param {import("./view.js").Size} picture @param {Sides} by @returns {Box} */
export const extended = ({ width, height }, by) => ({ left: -by.left, top: -by.top, right: width + by.right, bottom: height + by.bottom });

/** @param {import("./view.js").Size} picture @param {Sides | null} by */
export function markBorder(picture, by) {
  draw("mark-border", by ? outline(extended(picture, by)) + outline(whole(picture.width, picture.height)) : "");
}

/** @param {import("./view.js").Size} picture @param {Sides} by @param {Box | null} box in the extended picture */
export function markRegion(picture, by, box) {
  const here = box && { left: box.left - by.left, top: box.top - by.top, right: box.right - by.left, bottom: box.bottom - by.top };
  draw("mark-region", here ? outline(here) : "");
  draw("mark-outside", here ? outline(extended(picture, by)) + outline(here) : "");
  byId("mark-region").dataset.box = box ? [box.left, box.top, box.right, box.bottom].join(" ") : "";
}

/** @param {Point[]} corners */
export function markShape(corners) {
  draw("mark-shape", corners.length > 1 ? `M${corners.map(({ x, y }) => `${x} ${y}`).join("L")}Z` : "");
}
