// Dialogs: the browser's own <dialog>, which keeps the focus inside and gives it back.

import { h, uniqueId } from "./dom.js";
import { text } from "./text.js";

/** Show a dialog with a heading and content; resolves when it is closed, with the value of the button that did it, or "". */
export function show(heading, content, actions = [{ value: "", label: text.close }]) {
  const id = uniqueId();
  const buttons = actions.map(({ value, label, main }) => h("button", { class: "button", value, "data-kind": main ? "main" : null }, label));
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": id },
    h("h2", { id }, heading),
    content,
    h("form", { method: "dialog", class: "actions" }, buttons),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}

/** Ask before something that cannot be undone. */
export async function confirmed(heading, question, label) {
  const answer = await show(heading, h("p", {}, question), [
    { value: "", label: text.cancel },
    { value: "yes", label, main: true },
  ]);
  return answer === "yes";
}
