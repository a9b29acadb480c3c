// Two attempts at one video: the other one's river below, and a mark where it felt otherwise.

import { analysisOf } from "./analyses.js";
import { fill, h } from "./dom.js";
import * as format from "./formats.js";
import { icon } from "./icons.js";
import { live } from "./live.js";
import { river } from "./river.js";
import { go } from "./router.js";
import { ask } from "./server.js";
import { text } from "./text.js";

/** What compares: `controls` for the head, `element` for the place below the river; `complain` tells what went wrong. */
export function comparison(upload, attempt, words, complain) {
  const element = h("div", { class: "comparison", hidden: true });
  const verdict = h("p", { class: "small", role: "status" });
  const others = Array.from({ length: upload.attempt }, (_, place) => place + 1).filter((number) => number !== attempt);
  const select = h(
    "select",
    { class: "button", "aria-label": text.result.compare },
    h("option", { value: "" }, `${text.result.compare} …`),
    others.map((number) => h("option", { value: String(number) }, text.pipeline.attempt(number))),
  );
  const show = async () => {
    const other = select.value && (await analysisOf(upload.id, Number(select.value)));
    const differing = words.compareWith(other ? other.analysis.utterances : null);
    element.hidden = !other;
    if (!other) return;
    const { one, other: many, zero } = text.transcript.comparison;
    verdict.textContent = differing ? format.counted(differing, { one, other: many }) : zero;
    const heading = text.river.other(other.attempt);
    const link = h("a", { class: "small", href: `/uploads/${upload.id}?attempt=${other.attempt}`, "data-plain": true }, text.library.open);
    fill(element, h("div", { class: "section-head" }, h("h2", {}, heading), verdict, link), river(other.analysis, { seek: () => {}, heading, headingLevel: "h3" }).element);
  };
  select.addEventListener("change", () => show().catch((error) => fill(element, h("p", { class: "notice", "data-kind": "wrong", role: "alert" }, error.message)) && (element.hidden = false)));
  const again = h("button", { class: "button", "data-kind": "plain", title: text.result.againHint, onclick: () => retry(upload, again).catch(complain) }, icon("again"), text.result.again);
  return { element, controls: [again, others.length ? select : null] };
}

async function retry(upload, button) {
  button.disabled = true;
  try {
    live.learn(await ask("POST", `/v1/uploads/${upload.id}/retry`));
    await go("/");
  } finally {
    button.disabled = false;
  }
}
