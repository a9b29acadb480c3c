// What a webhook was told: its deliveries, read when they are opened, each with its newest try and a button that sends it again.

import { fill, h } from "./dom.js";
import * as format from "./formats.js";
import { acting } from "./settings.js";
import { ask, pageOf } from "./server.js";
import { text } from "./text.js";

const words = text.settings.webhooks;
const A_DAY = 86_400_000;
const A_PAGE = 20;

/** The deliveries of a webhook, closed at first: `element`, and `open` to read them anew. */
export function deliveries(webhook, told) {
  const path = `/v1/webhooks/${webhook.id}`;
  const list = h("ul", { class: "list compact" });
  const more = h("button", { class: "button" }, words.more);
  const again = h("button", { class: "button" }, words.againAll);
  const refresh = h("button", { class: "button" }, words.refresh);
  let cursor = null;

  const read = async (after) => {
    const page = await pageOf(`${path}/deliveries`, { limit: A_PAGE, after });
    const rows = page.data.map((delivery) => row(delivery, path, told, replayed));
    if (after) list.append(...rows);
    else fill(list, rows.length ? rows : h("li", { class: "quiet" }, words.noDeliveries));
    cursor = page.next_cursor;
    more.hidden = cursor === null;
  };
  const replayed = async () => {
    await read(null);
    element.querySelector("summary").focus(); // the row whose button was pressed is another now
  };
  more.addEventListener("click", acting(told, () => read(cursor)));
  refresh.addEventListener("click", acting(told, () => read(null)));
  again.addEventListener("click", acting(told, async () => {
    const { replayed } = await ask("POST", `${path}/replay`, { since: new Date(Date.now() - A_DAY).toISOString() });
    told.worked(format.counted(replayed, words.againCount));
    await read(null);
  }));

  const controls = h("div", { class: "row" }, refresh, webhook.enabled ? again : null, more);
  const element = h("details", { class: "deliveries" }, h("summary", {}, words.deliveries), list, controls);
  const reading = async () => {
    try {
      await read(null);
    } catch (error) {
      told.failed(error.message);
    }
  };
  element.addEventListener("toggle", () => {
    if (element.open) reading();
  });
  const open = async () => {
    if (element.open) await reading();
    else element.open = true; // which reads them
  };
  return { element, open };
}

function row(delivery, path, told, refresh) {
  const state = words.states[delivery.state];
  const facts = [format.ago(delivery.created_at), format.counted(delivery.attempts, words.tries), newest(delivery)];
  if (delivery.next_attempt_at && delivery.attempts) facts.push(words.next(format.moment(delivery.next_attempt_at)));
  const name = words.events[delivery.type] ?? delivery.type;
  const again = h("button", { class: "button", "aria-label": text.uploads.named(words.again, `${name}, ${state}`) }, words.again);
  again.addEventListener("click", acting(told, async () => {
    await ask("POST", `${path}/deliveries/${delivery.id}/replay`);
    await refresh();
  }));
  return h(
    "li",
    { "data-state": delivery.state },
    h("div", {}, h("p", { class: "list-name" }, name, h("span", { class: "quiet" }, state)), h("p", { class: "small quiet" }, facts.filter(Boolean).join(" · "))),
    again,
  );
}

function newest(delivery) {
  const [attempt] = delivery.newest_attempts;
  if (!attempt) return delivery.state === "failed" ? words.neverSent : null;
  const said = attempt.status === null ? attempt.error : words.answered(attempt.status);
  return attempt.answer && delivery.state !== "delivered" ? `${said}: ${attempt.answer.slice(0, 120)}` : said;
}
