// API keys: listed, made (and shown once), revoked.

import { confirmed } from "./dialog.js";
import { fill, h, uniqueId } from "./dom.js";
import * as format from "./formats.js";
import { acting, outcome } from "./settings.js";
import { unconfirmed } from "./settings_address.js";
import { showOnce } from "./settings_secret.js";
import { ask } from "./server.js";
import { text } from "./text.js";

const USUAL = new Set(["uploads:read", "uploads:write"]);
const DAYS = { never: null, month: 30, year: 365 };

/** The section's content. */
export async function keys() {
  const told = outcome();
  const list = h("ul", { class: "list" });
  const made = h("div", { class: "made", hidden: true });
  const refresh = async () => {
    const { data } = await ask("GET", "/v1/keys");
    const standing = data.filter((key) => !key.revoked_at);
    fill(list, standing.length ? standing.map((key) => row(key, told, refresh)) : h("li", { class: "quiet" }, text.settings.noKeys));
  };
  await refresh();
  return [h("p", { class: "quiet" }, `${text.settings.keysLead} `, h("a", { href: "/reference" }, text.reference.link)), list, made, told.element, (await unconfirmed()) ?? form(told, made, refresh)];
}

function row(key, told, refresh) {
  const facts = [
    text.settings.made(format.ago(key.created_at)),
    key.last_used_at ? text.settings.used(format.ago(key.last_used_at)) : text.settings.neverUsed,
    key.expires_at ? text.settings.ends(format.moment(key.expires_at)) : null,
    key.scopes.join(", "),
  ];
  const name = key.name ?? key.id;
  const revoke = h("button", { class: "button", "aria-label": text.uploads.named(text.settings.revoke, name) }, text.settings.revoke);
  revoke.addEventListener("click", acting(told, async () => {
    if (!(await confirmed(text.settings.revoke, text.settings.revokeAsk(name), text.settings.revoke))) return;
    await ask("DELETE", `/v1/keys/${key.id}`);
    await refresh();
  }));
  return h(
    "li",
    {},
    h("div", {}, h("p", { class: "list-name" }, name, h("code", { class: "quiet" }, `…${key.last_four}`)), h("p", { class: "small quiet" }, facts.filter(Boolean).join(" · "))),
    revoke,
  );
}

function form(told, made, refresh) {
  const [nameId, expiryId] = [uniqueId(), uniqueId()];
  const name = h("input", { id: nameId, required: true, maxlength: 100, autocomplete: "off", placeholder: text.settings.keyNamePlaceholder });
  const expiry = h("select", { id: expiryId }, Object.keys(DAYS).map((which) => h("option", { value: which }, text.settings.expiries[which])));
  const scopes = Object.entries(text.settings.scopeNames).map(([scope, what]) => {
    const box = h("input", { type: "checkbox", value: scope, checked: USUAL.has(scope) });
    return { box, element: h("label", { class: "check" }, box, h("span", {}, what)) };
  });
  const element = h(
    "form",
    { class: "form key-form" },
    h("div", { class: "pair" }, h("div", { class: "field" }, h("label", { for: nameId }, text.settings.keyName), name), h("div", { class: "field" }, h("label", { for: expiryId }, text.settings.expires), expiry)),
    h("fieldset", { class: "form-choices" }, h("legend", { class: "legend" }, text.settings.scopes), scopes.map((scope) => scope.element)),
    h("div", {}, h("button", { class: "button", "data-kind": "main" }, text.settings.makeKey)),
  );
  element.addEventListener("submit", acting(told, async () => {
    const days = DAYS[expiry.value];
    const key = await ask("POST", "/v1/keys", {
      name: name.value.trim(),
      scopes: scopes.filter(({ box }) => box.checked).map(({ box }) => box.value),
      ...(days ? { expires_at: new Date(Date.now() + days * 86_400_000).toISOString() } : {}),
    });
    told.element.hidden = true;
    element.reset();
    await refresh();
    showKey(made, key.key);
  }));
  return element;
}

function showKey(place, key) {
  const example = `curl -H "Authorization: Bearer ${key}" ${location.origin}/v1/uploads`;
  showOnce(place, text.settings.newKey, "new-key", key, h("p", { class: "small" }, text.settings.example), h("code", { class: "code" }, example));
}
