// The moments that a video is found for: each leads to itself.

import { h } from "./dom.js";
import { mouth } from "./feelings.js";
import * as format from "./formats.js";
import { text } from "./text.js";

/** A list of moments, or null without any. `words` is what was searched for. */
export function hitList(uploadId, found, words) {
  if (!found?.hits.length) return null;
  return h("ul", { class: "hits", "aria-label": text.filters.moments }, found.hits.map((hit) => h("li", {}, moment(uploadId, hit, words))));
}

function moment(uploadId, hit, words) {
  return h(
    "a",
    { class: "hit small", href: `/uploads/${uploadId}#t=${Number(hit.start.toFixed(2))}` },
    h("span", { class: "numbers quiet" }, format.clock(hit.start)),
    mouth(hit.emotion),
    h("span", {}, h("span", { class: "visually-hidden" }, `${text.emotions[hit.emotion]}: `), marked(hit.text, words)),
  );
}

/** The text, with the words that were searched for marked. */
function marked(said, words) {
  const wanted = words
    .toLowerCase()
    .replace(/(^|\s)-("[^"]*"?|\S+)/g, " ")
    .match(/[\p{L}\p{N}]+\*?/gu)
    ?.filter((word) => word !== "or");
  if (!wanted) return said;
  const sought = (word) => wanted.some((one) => (one.endsWith("*") ? word.startsWith(one.slice(0, -1)) : word === one));
  return said.split(/([\p{L}\p{N}]+)/u).map((piece) => (sought(piece.toLowerCase()) ? h("mark", {}, piece) : piece));
}
