// The way of one upload, drawn: five stations, of which one is now.

import { fill, h } from "./dom.js";
import { counted, duration } from "./formats.js";
import { icon } from "./icons.js";
import { ENDED } from "./live.js";
import { text } from "./text.js";

const STATIONS = ["uploading", "received", "validated", "analysing", "completed"];

/** Where an upload stands, in a few words. */
export function standing(upload) {
  return text.pipeline.ended[upload.status] ?? text.pipeline.doing[upload.status];
}

/** How many are before an upload, and about how long it takes, as far as that is known. */
export function outlookOf(upload) {
  const { ahead, seconds_left: left } = upload.progress ?? {};
  const said = ahead ? [counted(ahead, text.pipeline.ahead)] : [];
  if (left) said.push(text.pipeline.left(duration(left)));
  else if (left === 0) said.push(text.pipeline.soon);
  return said.join(" · ");
}

/** How far along a status is; a failure stands at the last station that was reached. */
function place(upload, reached) {
  if (upload.status === "created") return 0;
  const found = STATIONS.indexOf(upload.status);
  return found === -1 ? reached : found;
}

/** The picture of an upload's way: `{element, update}`. */
export function pipeline(name) {
  const element = h("ol", { class: "pipeline", "aria-label": text.pipeline.label(name) });
  let reached = 0;
  let shown = null;
  const update = (upload) => {
    if (shown === upload.sequence) return;
    shown = upload.sequence;
    reached = place(upload, reached);
    const failed = ENDED.has(upload.status) && upload.status !== "completed";
    const stations = STATIONS.map((station, position) => {
      const state = failed && position === reached ? "failed" : position < reached || upload.status === "completed" ? "done" : position === reached ? "now" : "later";
      const said = state === "failed" ? standing(upload) : text.pipeline[state];
      const sign = state === "done" ? icon("check") : state === "failed" ? icon("stop") : null;
      return h(
        "li",
        { "data-state": state, "aria-current": state === "now" ? "step" : null },
        h("span", { class: "station" }, sign),
        h("span", { class: "label" }, text.pipeline.steps[station]),
        h("span", { class: "visually-hidden" }, ` ${said}`),
      );
    });
    fill(element, stations);
  };
  return { element, update };
}
