// The browsers that are signed in, and ending them.

import { browserName } from "./browsers.js";
import { fill, h } from "./dom.js";
import * as format from "./formats.js";
import { acting, outcome } from "./settings.js";
import { ask } from "./server.js";
import { text } from "./text.js";

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
  const name = browserName(session.user_agent ?? "") ?? text.settings.unknownBrowser;
  const end = h("button", { class: "button", "aria-label": text.uploads.named(text.settings.endSession, name) }, text.settings.endSession);
  end.addEventListener("click", acting(told, async () => {
    await ask("DELETE", `/v1/sessions/${session.id}`);
    await refresh();
  }));
  const facts = [session.current ? text.settings.thisBrowser : null, session.address, text.settings.used(format.ago(session.last_used_at))];
  return h("li", {}, h("div", {}, h("p", { class: "list-name" }, name), h("p", { class: "small quiet" }, facts.filter(Boolean).join(" · "))), session.current ? null : end);
}
