// What each modality says of an utterance, side by side, and whether they agree.

import { h } from "./dom.js";
import { EMOTIONS, MODALITIES, mouth, reading } from "./feelings.js";
import * as format from "./formats.js";
import { text } from "./text.js";

/** A table of the seven emotions by modality, and a sentence about their agreement. */
export function scoresPanel({ scores, modalities, agreement }) {
  const used = MODALITIES.filter((name) => modalities[name]);
  const columns = [["fused", scores], ...used.map((name) => [name, modalities[name]])];
  const rows = [...EMOTIONS].reverse().map((emotion) =>
    h(
      "tr",
      { "data-emotion": emotion },
      h("th", { scope: "row" }, h("span", { class: "feeling", "data-emotion": emotion }, mouth(emotion), text.emotions[emotion])),
      columns.map(([, one]) => h("td", {}, bar(one.emotions[emotion]))),
    ),
  );
  const table = h(
    "table",
    { class: "scores" },
    h("caption", { class: "visually-hidden" }, text.scores.caption),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, text.scores.emotion), columns.map(([name]) => h("th", { scope: "col" }, text.modalities[name])))),
    h("tbody", {}, rows),
  );
  return h("div", { class: "scores-panel" }, table, h("p", { class: "small quiet" }, verdict(used, modalities, agreement)));
}

function bar(share) {
  const filled = h("span", { class: "share-bar", "aria-hidden": "true" });
  filled.style.setProperty("--share", String(share));
  return h("span", { class: "share numbers" }, filled, format.percent(share));
}

function verdict(used, modalities, agreement) {
  if (used.length < 2) return used.length ? text.scores.only(text.modalities[used[0]]) : "";
  const named = new Set(used.map((name) => reading(modalities[name]).emotion));
  return `${text.scores.agreement(format.percent(agreement))} ${named.size === 1 ? text.scores.agree : text.scores.disagree}`;
}
