// Ways to take analyses along: a menu of links.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { text } from "./text.js";

export const FORMATS = ["json", "csv", "srt", "vtt", "eaf"];

/** A menu of the formats; `address` gives the address of each. It closes once something was chosen, or somebody goes on elsewhere. */
export function downloadMenu(label, address) {
  const links = FORMATS.map((format) => h("li", {}, h("a", { href: address(format), download: "", "data-plain": true }, text.formats[format])));
  const head = h("summary", { class: "button", title: label }, icon("down"), label);
  const menu = h("details", { class: "menu" }, head, h("ul", { onclick: () => (menu.open = false) }, links));
  menu.addEventListener("focusout", ({ relatedTarget }) => relatedTarget && !menu.contains(relatedTarget) && (menu.open = false));
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    head.focus();
  });
  const beside = ({ target }) => !menu.contains(target) && (menu.open = false);
  menu.addEventListener("toggle", () => (menu.open ? addEventListener("pointerdown", beside) : removeEventListener("pointerdown", beside)));
  return menu;
}
