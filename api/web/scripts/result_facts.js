// What stands below a result: how it was made, and by which models.

import { h } from "./dom.js";
import * as format from "./formats.js";
import { text } from "./text.js";

/** The facts of an analysis, closed until somebody wants them. */
export function facts(analysis, upload) {
  const from = analysis.words_from === "captions" ? text.result.words.captions : analysis.words_from && text.result.words.recogniser(analysis.words_from);
  const used = analysis.modalities.length ? text.result.used(analysis.modalities.map((name) => text.modalities[name].toLowerCase()).join(", ")) : null;
  const summary = [format.moment(upload.created_at), format.clock(analysis.media_seconds), from, used].filter(Boolean).join(" · ");
  const row = (name, value) => (value ? [h("dt", {}, name), h("dd", {}, value)] : []);
  const models = h("ul", {}, analysis.models.map(({ role, name, sha256 }) => h("li", {}, `${role}: ${name} `, h("code", { class: "quiet" }, sha256.slice(0, 12)))));
  return h(
    "details",
    { class: "facts-panel small" },
    h("summary", {}, text.result.facts, h("span", { class: "quiet" }, ` ${summary}`)),
    h(
      "dl",
      {},
      row(text.result.profile, analysis.profile),
      row(text.result.language, analysis.language),
      row(text.result.computed, format.duration(analysis.compute_seconds)),
      row(text.result.models, models),
    ),
  );
}
