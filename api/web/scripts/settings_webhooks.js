// Webhooks: listed, added (their secret shown once), tried out, stopped, deleted; what they were told is in settings_deliveries.js.

import { confirmed } from "./dialog.js";
import { fill, h, uniqueId } from "./dom.js";
import * as format from "./formats.js";
import { acting, outcome } from "./settings.js";
import { unconfirmed } from "./settings_address.js";
import { deliveries } from "./settings_deliveries.js";
import { showOnce } from "./settings_secret.js";
import { ask } from "./server.js";
import { text } from "./text.js";

const words = text.settings.webhooks;
/** Each way in which an attempt can end, once: what the API takes where nothing is said. */
const USUAL = new Set(["analysis.persisted", "upload.rejected", "upload.failed", "upload.expired", "upload.cancelled"]);
const TEST = "webhook.test";

/** The section's content. */
export async function webhooks() {
  const told = outcome();
  const list = h("ul", { class: "list" });
  const made = h("div", { class: "made", hidden: true });
  const refresh = async () => {
    const { data } = await ask("GET", "/v1/webhooks");
    fill(list, data.length ? data.map((webhook) => row(webhook, told, made, refresh)) : h("li", { class: "quiet" }, words.none));
  };
  await refresh();
  return [h("p", { class: "quiet" }, words.lead), list, made, told.element, (await unconfirmed()) ?? form(told, made, refresh)];
}

function row(webhook, told, made, refresh) {
  const path = `/v1/webhooks/${webhook.id}`;
  const toggleId = `toggle-${webhook.id}`;
  const list = deliveries(webhook, told);
  const act = (label, does) => {
    const button = h("button", { class: "button", "aria-label": text.uploads.named(label, webhook.url) }, label);
    button.addEventListener("click", acting(told, does));
    return button;
  };
  const test = act(words.test, async () => {
    await ask("POST", `${path}/test`);
    told.worked(words.tested(webhook.url));
    await list.open();
  });
  const toggle = act(webhook.enabled ? words.disable : words.enable, async () => {
    await ask("PATCH", path, { enabled: !webhook.enabled });
    await refresh();
    document.getElementById(toggleId)?.focus(); // the row is another now
  });
  toggle.id = toggleId;
  const rotate = act(words.rotate, async () => {
    if (!(await confirmed(words.rotate, words.rotateAsk, words.rotate))) return;
    const changed = await ask("POST", `${path}/secret`);
    await refresh();
    showOnce(made, words.newSecret, "new-secret", changed.secret);
  });
  const remove = act(words.delete, async () => {
    if (!(await confirmed(words.delete, words.deleteAsk(webhook.url), words.delete))) return;
    await ask("DELETE", path);
    made.hidden = true;
    await refresh();
  });
  const facts = [webhook.description, standing(webhook), webhook.events.map((event) => words.events[event] ?? event).join(", ")];
  return h(
    "li",
    { class: "webhook" },
    h("div", {}, h("p", { class: "list-name" }, webhook.url), h("p", { class: "small quiet" }, facts.filter(Boolean).join(" · "))),
    h("div", { class: "row" }, webhook.enabled ? test : null, toggle, rotate, remove),
    list.element,
  );
}

function standing(webhook) {
  if (!webhook.enabled) return words.disabled[webhook.disabled_reason] ?? words.disabled.owner;
  return webhook.failing_since ? words.failing(format.moment(webhook.failing_since)) : words.working;
}

function form(told, made, refresh) {
  const urlId = uniqueId();
  const url = h("input", { id: urlId, type: "url", required: true, maxlength: 2048, autocomplete: "off", placeholder: "https://" });
  const events = Object.entries(words.events).filter(([event]) => event !== TEST).map(([event, what]) => {
    const box = h("input", { type: "checkbox", value: event, checked: USUAL.has(event) });
    return { box, element: h("label", { class: "check" }, box, h("span", {}, what)) };
  });
  const element = h(
    "form",
    { class: "form key-form" },
    h("div", { class: "field" }, h("label", { for: urlId }, words.url), url),
    h("fieldset", { class: "form-choices webhook-events" }, h("legend", { class: "legend" }, words.toldOf), events.map((event) => event.element)),
    h("div", {}, h("button", { class: "button", "data-kind": "main" }, words.add)),
  );
  element.addEventListener("submit", acting(told, async () => {
    const webhook = await ask("POST", "/v1/webhooks", {
      url: url.value.trim(),
      events: events.filter(({ box }) => box.checked).map(({ box }) => box.value),
    });
    told.element.hidden = true;
    element.reset();
    for (const { box } of events) box.checked = USUAL.has(box.value);
    await refresh();
    showOnce(made, words.newSecret, "new-secret", webhook.secret);
  }));
  return element;
}
