// Settings: usage, keys, webhooks, sessions, the password, what has happened, and the end of the account.

import { fill, h } from "./dom.js";
import { activity, erasure, password } from "./settings_account.js";
import { confirmAddress } from "./settings_address.js";
import { keys } from "./settings_keys.js";
import { sessions } from "./settings_sessions.js";
import { usage } from "./settings_usage.js";
import { webhooks } from "./settings_webhooks.js";
import { entitle } from "./router.js";
import { text } from "./text.js";

const SECTIONS = [
  ["usage", text.settings.usage, usage],
  ["keys", text.settings.keys, keys],
  ["webhooks", text.settings.webhooks.name, webhooks],
  ["sessions", text.settings.sessions, sessions],
  ["password", text.settings.security, password],
  ["activity", text.settings.activity.name, activity],
  ["delete", text.settings.erase, erasure],
];

/** Fill the main element with the settings. */
export async function settingsView(main) {
  entitle(text.titles.settings);
  main.classList.add("settings");
  const confirmed = await confirmAddress();
  const sections = SECTIONS.map(([id, heading]) => h("section", { id, class: "panel", "aria-labelledby": `${id}-heading` }, h("h2", { id: `${id}-heading` }, heading)));
  const links = SECTIONS.map(([id, heading]) => h("li", {}, h("a", { href: `#${id}` }, heading)));
  fill(
    main,
    h("div", { class: "settings-side" }, h("h1", {}, text.titles.settings), h("nav", { "aria-label": text.settings.sections }, h("ul", {}, links))),
    h("div", { class: "settings-sections" }, confirmed, sections),
  );
  await Promise.all(SECTIONS.map(([, , make], place) => show(sections[place], make)));
}

async function show(section, make) {
  try {
    section.append(...[await make()].flat());
  } catch (error) {
    section.append(h("p", { class: "notice", "data-kind": "wrong", role: "alert" }, error.message));
  }
}

/** A line that says how something went; `worked` and `failed` set it. */
export function outcome() {
  const element = h("p", { class: "notice", role: "status", hidden: true });
  const tell = (kind) => (words) => {
    element.dataset.kind = kind;
    element.textContent = words;
    element.hidden = false;
  };
  return { element, worked: tell("fine"), failed: tell("wrong") };
}

/** Do something by a button, which cannot be pressed twice meanwhile; what goes wrong is told. */
export function acting(told, act) {
  return async (event) => {
    event.preventDefault();
    const button = event.submitter ?? event.currentTarget;
    button.disabled = true;
    try {
      await act();
    } catch (error) {
      told.failed(error.message);
    } finally {
      button.disabled = false;
    }
  };
}
