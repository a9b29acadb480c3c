// What the library is searched for: words, emotion, status and time, kept in the address so that a search can be shared and gone back to.

import { h } from "./dom.js";
import { EMOTIONS } from "./feelings.js";
import { icon } from "./icons.js";
import { rename } from "./router.js";
import { text } from "./text.js";

/** Typing is let come to rest before the server is asked. */
const REST_MILLISECONDS = 300;
const DAY_MILLISECONDS = 86_400_000;
const DAYS = ["1", "7", "30", "365"];
const STATUSES = { completed: ["completed"], failed: ["rejected", "failed", "expired", "cancelled"] };

/** The search bar: `{element, active(), parameters(), words(), emotion(), clear()}`; `changed` is called when something else is wanted. */
export function libraryFilters(changed) {
  const asked = new URLSearchParams(location.search);
  const input = h("input", { type: "search", name: "q", maxlength: 200, placeholder: text.filters.search, "aria-label": text.filters.search, value: asked.get("q") ?? "" });
  const emotion = choice("emotion", text.filters.emotion, asked, EMOTIONS.map((name) => [name, text.emotions[name]]));
  const status = choice("status", text.filters.status, asked, Object.keys(STATUSES).map((name) => [name, text.filters.statuses[name]]));
  const days = choice("days", text.filters.time, asked, DAYS.map((count) => [count, text.filters.days[count]]));
  const fields = [input, emotion, status, days];
  let shown = valuesOf(fields).toString();
  let rest = 0;

  const apply = () => {
    clearTimeout(rest);
    const now = valuesOf(fields).toString();
    if (now === shown) return;
    shown = now;
    rename(now ? `${location.pathname}?${now}` : location.pathname);
    changed();
  };
  input.addEventListener("input", () => {
    clearTimeout(rest);
    rest = setTimeout(apply, REST_MILLISECONDS);
  });
  for (const field of [emotion, status, days]) field.addEventListener("change", apply);
  const submit = (event) => {
    event.preventDefault();
    apply();
  };
  const element = h(
    "form",
    { class: "filters", role: "search", "aria-label": text.filters.label, onsubmit: submit },
    h("div", { class: "search" }, icon("search"), input),
    h("div", { class: "filter-choices" }, emotion, status, days),
  );
  return {
    element,
    active: () => shown !== "",
    words: () => input.value.trim(),
    emotion: () => emotion.value,
    /** What the API is asked for. */
    parameters: () => {
      const wanted = new URLSearchParams();
      if (input.value.trim()) wanted.set("q", input.value.trim());
      if (emotion.value) wanted.set("emotion", emotion.value);
      for (const name of STATUSES[status.value] ?? []) wanted.append("status", name);
      if (days.value) wanted.set("created_after", new Date(Date.now() - days.value * DAY_MILLISECONDS).toISOString());
      return wanted;
    },
    clear: () => {
      for (const field of fields) field.value = "";
      apply();
      input.focus();
    },
    leave: () => clearTimeout(rest),
  };
}

function choice(name, label, asked, options) {
  const known = options.some(([value]) => value === asked.get(name)) ? asked.get(name) : "";
  const made = [["", label], ...options].map(([value, words]) => h("option", { value, selected: value === known }, words));
  return h("select", { class: "button", name, "aria-label": label }, made);
}

function valuesOf(fields) {
  return new URLSearchParams(fields.map((field) => [field.name, field.value.trim()]).filter(([, value]) => value));
}
