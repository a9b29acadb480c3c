// Descriptions as the document has them: paragraphs, with `code` between backticks. Nothing here parses markup.

import { h } from "../scripts/dom.js";

/** Text with blank lines between paragraphs, as elements. */
export function paragraphs(words) {
  return words.split(/\n\s*\n/).map((paragraph) => h("p", {}, inline(paragraph.replaceAll("\n", " "))));
}

/** Code of so many letters fits into a line of a phone: it is not broken, not even at its hyphens. */
const SHORT = 24;

/** Text on one line: what stands between backticks is code. */
export function inline(words) {
  return words.split("`").map((part, index) => (index % 2 ? h("code", { "data-short": part.length <= SHORT }, part) : part));
}
