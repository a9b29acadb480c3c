// The browsers that are signed in, and ending them.

import { fill, h } from "./dom.js";
import * as format from "./formats.js";
import { acting, outcome } from "./settings.js";
import { ask } from "./server.js";
import { text } from "./text.js";

/** What to call a browser, by what it says of itself. */
const BROWSERS = [[/Edg\//, "Edge"], [/Firefox\//, "Firefox"], [/Chrome\//, "Chrome"], [/Safari\//, "Safari"]];
const SYSTEMS = [[/Windows/, "Windows"], [/Android/, "Android"], [/iPhone|iPad/, "iOS"], [/Mac OS/, "macOS"], [/Linux/, "Linux"]];

/** The section's content. */
export async function sessions() {
  const told = outcome();
  const list = h("ul", { class: "list" });
  const others = h("button", { class: "button" }, text.settings.endOthers);
  const refresh = async () => {
    const { data } = await ask("GET", "/v1/sessions");
    fill(list, data.map((session) => row(session, told, refresh)));
    others.hidden = data.length < 2;
  };
  others.addEventListener("click", acting(told, async () => {
    await ask("DELETE", "/v1/sessions");
    await refresh();
  }));
  await refresh();
  return [h("p", { class: "quiet" }, text.settings.sessionsLead), list, told.element, others];
}

function row(session, told, refresh) {
  const name = nameOf(session.user_agent ?? "");
  const end = h("button", { class: "button", "aria-label": text.uploads.named(text.settings.endSession, name) }, text.settings.endSession);
  end.addEventListener("click", acting(told, async () => {
    await ask("DELETE", `/v1/sessions/${session.id}`);
    await refresh();
  }));
  const facts = [session.current ? text.settings.thisBrowser : null, session.address, text.settings.used(format.ago(session.last_used_at))];
  return h("li", {}, h("div", {}, h("p", { class: "list-name" }, name), h("p", { class: "small quiet" }, facts.filter(Boolean).join(" · "))), session.current ? null : end);
}

function nameOf(agent) {
  const first = (table) => table.find(([pattern]) => pattern.test(agent))?.[1];
  return [first(BROWSERS) ?? text.settings.unknownBrowser, first(SYSTEMS)].filter(Boolean).join(" · ");
}
