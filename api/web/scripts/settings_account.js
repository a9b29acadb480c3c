// The password, what has happened to the account, and its end.

import { browserName } from "./browsers.js";
import { h, uniqueId } from "./dom.js";
import * as format from "./formats.js";
import { acting, outcome } from "./settings.js";
import { go } from "./router.js";
import { ask, pageOf } from "./server.js";
import { signedIn } from "./session.js";
import { text } from "./text.js";

const RECENT = 10;

/** Change the password. */
export async function password() {
  const told = outcome();
  const [current, fresh] = [passwordField(text.settings.current, "current-password"), passwordField(text.welcome.newPassword, "new-password")];
  const form = h("form", { class: "form" }, h("div", { class: "pair" }, current.element, fresh.element), told.element, h("div", {}, h("button", { class: "button" }, text.settings.change)));
  form.addEventListener("submit", acting(told, async () => {
    await ask("PUT", "/v1/account/password", { current_password: current.input.value, new_password: fresh.input.value });
    form.reset();
    told.worked(text.settings.changed);
  }));
  return form;
}

/** The latest events of the audit log, and more on demand. */
export async function activity() {
  const list = h("ul", { class: "list compact" });
  const more = h("button", { class: "button", hidden: true }, text.library.more);
  const told = outcome();
  let after = null;
  const next = async () => {
    const page = await pageOf("/v1/audit", { limit: RECENT, after });
    after = page.next_cursor;
    more.hidden = !after;
    list.append(...page.data.map(happened));
  };
  more.addEventListener("click", acting(told, next));
  await next();
  return [h("p", { class: "quiet" }, text.settings.activity.lead), list, told.element, more];
}

/** An event as a sentence; an action that this version of the page does not know has its name. */
function happened({ action, at, address, user_agent: agent, key_id: key }) {
  const facts = [format.moment(at), key && text.settings.activity.byKey(key), agent && !key && (browserName(agent) ?? agent), address];
  return h("li", {}, h("div", {}, h("p", { class: "list-name" }, text.settings.activity.actions[action] ?? action), h("p", { class: "small quiet" }, facts.filter(Boolean).join(" · "))));
}

/** Delete the account, once its owner has typed the password again. */
export async function erasure() {
  const told = outcome();
  const field = passwordField(text.settings.current, "current-password");
  const form = h("form", { class: "form", hidden: true }, h("p", { class: "small" }, text.settings.eraseAsk), field.element, told.element, h("div", {}, h("button", { class: "button" }, text.settings.erase)));
  const open = h("button", { class: "button", "aria-expanded": "false" }, text.settings.erase);
  open.addEventListener("click", () => {
    form.hidden = false;
    open.hidden = true;
    field.input.focus();
  });
  form.addEventListener("submit", acting(told, async () => {
    await ask("DELETE", "/v1/account", { password: field.input.value });
    signedIn(null);
    await go("/sign-up");
  }));
  return [h("p", { class: "quiet" }, text.settings.eraseLead), h("div", {}, open), form];
}

function passwordField(label, autocomplete) {
  const id = uniqueId();
  const input = h("input", { id, type: "password", required: true, maxlength: 128, autocomplete });
  return { input, element: h("div", { class: "field" }, h("label", { for: id }, label), input) };
}
