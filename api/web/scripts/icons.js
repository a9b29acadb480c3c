// Small pictures beside words; they say nothing that the words do not.

import { s } from "./dom.js";

const LINES = {
  upload: "M8 10.5V2.5M4.5 6 8 2.5 11.5 6M2.5 10.5v2a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1v-2",
  play: "M4.5 3v10l8.5-5z",
  pause: "M5 3v10M11 3v10",
  stop: "M4 4l8 8M12 4l-8 8",
  captions: "M2 3.5h12v9H2zM4.5 9.5h3M9 9.5h2.5M4.5 7h1.5M7.5 7h4",
  sound: "M2.5 6v4H5l3.5 3V3L5 6zM11 6c1 1 1 3 0 4M12.8 4c2.2 2.2 2.2 5.8 0 8",
  silent: "M2.5 6v4H5l3.5 3V3L5 6zM11.5 6.5l3 3M14.5 6.5l-3 3",
  full: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  help: "M6 6a2 2 0 1 1 2.8 1.9c-.6.3-.8.7-.8 1.4M8 11.6v.1",
  link: "M6.5 9.5l3-3M7 5l1.5-1.5a2.5 2.5 0 0 1 4 4L11 9M9 11l-1.5 1.5a2.5 2.5 0 0 1-4-4L5 7",
  down: "M8 2.5v8M4.5 7 8 10.5 11.5 7M3 13.5h10",
  again: "M13 8a5 5 0 1 1-1.5-3.6M13 2.5V5h-2.5",
  compare: "M2.5 5h8M8 2.5 10.5 5 8 7.5M13.5 11h-8M8 8.5 5.5 11 8 13.5",
  follow: "M8 3v9M4.5 8.5 8 12l3.5-3.5",
  search: "M7 2.5a4.5 4.5 0 1 0 .01 0M10.3 10.3l3.2 3.2",
  bin: "M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.5 9h6l.5-9M7 7v4M9 7v4",
  check: "M3 8.5l3.2 3.2L13 4.8",
  open: "M6 3l5 5-5 5",
  wave: "M2 7v2M4.4 5v6M6.8 2.5v11M9.2 5.5v5M11.6 4v8M14 7v2",
};
const FILLED = new Set(["play"]);

/** An icon by its name; hidden from screen readers. */
export function icon(name) {
  const fill = FILLED.has(name) ? "currentColor" : "none";
  const line = s("path", { d: LINES[name], fill, stroke: "currentColor", "stroke-width": 1.5, "stroke-linecap": "round", "stroke-linejoin": "round" });
  return s("svg", { viewBox: "0 0 16 16", "aria-hidden": "true", "data-icon": name }, line);
}

/** The mark of Valence: three currents. */
export function mark() {
  const current = (y, width) => s("path", { d: `M3 ${y}c6 0 7 6 13 6s7-6 13-6`, fill: "none", stroke: "currentColor", "stroke-width": width, "stroke-linecap": "round" });
  return s("svg", { viewBox: "0 0 32 32", "aria-hidden": "true" }, current(7, 2), current(13, 3.5), current(19.5, 2));
}
