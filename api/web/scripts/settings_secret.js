// What is shown once: a secret that was just made, with a button that copies it.

import { announce, fill, h } from "./dom.js";
import { text } from "./text.js";

/** Show a secret in `place` under a heading, with what follows it; the heading is where a screen reader goes on. */
export function showOnce(place, heading, id, secret, ...following) {
  const copy = h("button", { class: "button" }, text.settings.copy);
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(secret);
    copy.textContent = text.settings.copied;
    announce(text.settings.copied);
  });
  fill(
    place,
    h("h3", { tabindex: -1 }, heading),
    h("p", { class: "small" }, text.settings.newKeyLead),
    h("code", { class: "code", id }, secret),
    h("div", { class: "row" }, copy),
    following,
  );
  place.hidden = false;
  place.firstChild.focus();
}
