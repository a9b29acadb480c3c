// What the account has used this month, of what its plan allows.

import { h } from "./dom.js";
import * as format from "./formats.js";
import { ask } from "./server.js";
import { text } from "./text.js";

/** The section's content. */
export async function usage() {
  const { plan, month, videos, minutes, compute_seconds: computed } = await ask("GET", "/v1/usage");
  return [
    h("p", { class: "quiet" }, text.settings.usageLead(format.month(month), plan)),
    h("div", { class: "meters" }, meter(text.settings.videos, videos), meter(text.settings.minutes, minutes)),
    h("p", { class: "small quiet" }, text.settings.computed(format.duration(computed))),
  ];
}

function meter(name, { used, reserved, limit }) {
  const [whole, all] = [Math.round(used), limit === null || limit === undefined ? null : limit];
  const said = all === null ? text.settings.unlimited(whole) : text.settings.of(whole, all);
  const more = reserved ? ` · ${text.settings.reserved(Math.round(reserved))}` : "";
  return h(
    "div",
    { class: "meter" },
    h("p", { class: "meter-name" }, name, h("span", { class: "numbers quiet" }, said + more)),
    all === null ? null : h("progress", { class: "progress", max: all || 1, value: Math.min(used + (reserved ?? 0), all || 1), "aria-label": `${name}: ${said}` }),
  );
}
