// Ways to take analyses along: a menu of links.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { text } from "./text.js";

export const FORMATS = ["json", "csv", "srt", "vtt", "eaf"];

/** A menu of the formats; `address` gives the address of each. */
export function downloadMenu(label, address) {
  const links = FORMATS.map((format) => h("li", {}, h("a", { href: address(format), download: "", "data-plain": true }, text.formats[format])));
  return h("details", { class: "menu" }, h("summary", { class: "button" }, icon("down"), label), h("ul", {}, links));
}
