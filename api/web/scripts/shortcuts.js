// The keys of the result's page, and the dialog that lists them.

import { show } from "./dialog.js";
import { h } from "./dom.js";
import { text } from "./text.js";

const SECONDS = 5;
/** Where keys belong to the element that has the focus. Whatever was used in a dialog keeps it for a moment after the dialog has closed. */
const TYPING = "input:not([type=checkbox]), select, textarea, dialog[open], [contenteditable]";

/** Single letters can get in the way of speech input and other helps: whoever wants turns them off, in this browser, for good. */
const OFF = "valence.keys-off";
const areOn = () => localStorage.getItem(OFF) === null;

/** Listen for keys until the function that is returned is called; `act` has a function for each. */
export function listen(act) {
  const pressed = (event) => {
    if (!areOn() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(TYPING)) return;
    if (event.key === " " && event.target.closest?.("button, summary, a")) return;
    const did = keys(event, act);
    if (did) event.preventDefault();
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

function keys(event, act) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const direction = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (direction) event.shiftKey ? act.word(direction) : act.seconds(direction * SECONDS);
  else if (key === " ") act.toggle();
  else if (key === "j") act.utterance(1);
  else if (key === "k") act.utterance(-1);
  else if (key === "c") act.captions();
  else if (key === "m") act.mute();
  else if (key === "l") act.link();
  else if (key === "/") act.search();
  else if (key === "?") showShortcuts();
  else return false;
  return true;
}

/** Show which keys there are. */
export function showShortcuts() {
  const rows = text.shortcuts.rows.flatMap(([names, what]) => [h("dt", {}, names.map((name) => h("kbd", {}, name))), h("dd", {}, what)]);
  const box = h("input", { type: "checkbox", checked: areOn() });
  box.addEventListener("change", () => (box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "")));
  const use = h("label", { class: "check" }, box, h("span", {}, text.shortcuts.use));
  return show(text.shortcuts.heading, h("div", { class: "form" }, h("dl", { class: "shortcuts" }, rows), use));
}
