// The river on the result's page: drawn, followed by the playhead, asked by pointer and key, and twinned by a table.

import { fill, h, s, say } from "./dom.js";
import { EMOTIONS, feeling, mouth, reading } from "./feelings.js";
import * as format from "./formats.js";
import { riverBands, sentimentLine } from "./river_shape.js";
import { text } from "./text.js";

const WIDTH = 1000;
const HEIGHT = 220;
const LINE_HEIGHT = 56;
const STEP_SECONDS = 5;
/** A band is named in itself where it is so high over the whole name, in units of the drawing. */
const ROOM_FOR_NAME = 22;

/** The river of an analysis: `{element, follow(seconds, utterance)}`. `seek` is called with the seconds that somebody points at. */
export function river(analysis, { seek, heading = text.river.heading, headingLevel = "h2" }) {
  const { utterances, media_seconds: seconds } = analysis;
  const bands = riverBands(utterances, seconds, WIDTH, HEIGHT);
  const paths = bands.map(({ emotion, path }) => s("path", { class: "band", d: path, "data-emotion": emotion }));
  const names = bands.filter(({ widest }) => widest.height > ROOM_FOR_NAME).map(({ emotion, widest }) => label(emotion, widest));
  const picture = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "river-bands", "aria-hidden": "true" }, paths);
  const line = s(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${LINE_HEIGHT}`, preserveAspectRatio: "none", class: "river-sentiment", "aria-hidden": "true" },
    s("line", { x1: 0, x2: WIDTH, y1: LINE_HEIGHT / 2, y2: LINE_HEIGHT / 2, class: "zero" }),
    utterances.length ? s("path", { d: sentimentLine(utterances, seconds, WIDTH, LINE_HEIGHT), class: "sentiment-line" }) : null,
  );
  const head = h("div", { class: "playhead", "aria-hidden": "true" });
  const hint = h("div", { class: "river-hint", "aria-hidden": "true", hidden: true });
  const slider = h(
    "div",
    { class: "river-plot", role: "slider", tabindex: 0, "aria-label": text.river.slider, "aria-valuemin": 0, "aria-valuemax": Math.ceil(seconds), "aria-valuenow": 0 },
    h("div", { class: "river-water" }, picture, names),
    h("div", { class: "river-strip" }, line, h("span", { class: "axis axis-top" }, text.river.positive), h("span", { class: "axis axis-bottom" }, text.river.negative)),
    head,
    hint,
  );
  const values = new Map(EMOTIONS.map((emotion) => [emotion, h("span", { class: "numbers" })]));
  const legend = h("div", { class: "legend-row", role: "group", "aria-label": text.river.legend }, [...EMOTIONS].reverse().map((emotion) => legendButton(emotion, values.get(emotion), slider)));
  const element = h(
    "section",
    { class: "river", "aria-label": heading },
    h(headingLevel, { class: "visually-hidden" }, heading),
    slider,
    timeAxis(seconds),
    legend,
    tableTwin(utterances, seek),
  );

  const at = (event) => {
    const box = slider.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * seconds;
  };
  slider.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    slider.setPointerCapture(event.pointerId);
    seek(at(event));
  });
  slider.addEventListener("pointermove", (event) => {
    if (slider.hasPointerCapture(event.pointerId)) seek(at(event));
    showHint(hint, at(event), seconds, utterances);
  });
  slider.addEventListener("pointerleave", () => (hint.hidden = true));
  slider.addEventListener("keydown", (event) => {
    const now = Number(slider.getAttribute("aria-valuenow"));
    const to = { ArrowLeft: now - STEP_SECONDS, ArrowDown: now - STEP_SECONDS, ArrowRight: now + STEP_SECONDS, ArrowUp: now + STEP_SECONDS, Home: 0, End: seconds }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    seek(Math.min(seconds, Math.max(0, to)));
  });

  let shown;
  const follow = (now, utterance) => {
    head.style.setProperty("--at", String(now / seconds));
    const whole = Math.floor(now);
    if (whole !== Number(slider.getAttribute("aria-valuenow"))) slider.setAttribute("aria-valuenow", String(whole));
    if (utterance === shown && shown !== undefined) return;
    shown = utterance;
    slider.setAttribute("aria-valuetext", spoken(now, utterance));
    for (const [emotion, value] of values) say(value, utterance ? format.percent(utterance.scores.emotions[emotion]) : "");
  };
  follow(0, null);
  return { element, follow };
}

function spoken(now, utterance) {
  const said = utterance ? text.emotions[reading(utterance.scores).emotion] : text.river.silence;
  return text.river.now(format.clock(now), said);
}

function label(emotion, { x, y }) {
  const name = h("span", { class: "band-name", "data-emotion": emotion, "aria-hidden": "true" }, text.emotions[emotion]);
  name.style.setProperty("--x", String(Math.min(0.94, Math.max(0.06, x / WIDTH))));
  name.style.setProperty("--y", String(y / HEIGHT));
  return name;
}

/** One emotion picked out, the others pale; pressed again, all are back. */
function legendButton(emotion, value, slider) {
  const button = h("button", { class: "legend-item", "aria-pressed": "false", "data-emotion": emotion }, mouth(emotion), h("span", {}, text.emotions[emotion]), value);
  button.addEventListener("click", () => {
    const picked = button.getAttribute("aria-pressed") === "false";
    for (const other of button.parentElement.children) other.setAttribute("aria-pressed", String(picked && other === button));
    slider.dataset.picked = picked ? emotion : "";
    for (const band of slider.querySelectorAll(".band, .band-name")) band.classList.toggle("pale", picked && band.dataset.emotion !== emotion);
  });
  return button;
}

function timeAxis(seconds) {
  const steps = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const step = steps.find((one) => seconds / one <= 8) ?? 7200;
  const marks = [];
  for (let at = 0; at <= seconds - step / 3; at += step) {
    const tick = h("span", {}, format.clock(at));
    tick.style.setProperty("--at", String(at / seconds));
    marks.push(tick);
  }
  return h("div", { class: "time-axis numbers", "aria-hidden": "true" }, marks);
}

function felt({ scores, uncertain }) {
  const { emotion, share } = reading(scores);
  return feeling(emotion, { share, uncertain });
}

function showHint(hint, at, seconds, utterances) {
  const utterance = utterances.find(({ start, end }) => start <= at && at < end);
  const words = utterance ? [felt(utterance), h("span", { class: "hint-words" }, utterance.text)] : [];
  fill(hint, h("span", { class: "numbers quiet" }, format.clock(at)), words);
  hint.style.setProperty("--at", String(at / seconds));
  hint.hidden = false;
}

/** What the picture shows, as rows; made when it is opened, since a long video has thousands. */
function tableTwin(utterances, seek) {
  const columns = text.river.columns;
  const twin = h("details", { class: "table-twin" }, h("summary", {}, text.river.table));
  twin.addEventListener("toggle", () => {
    if (twin.querySelector("table")) return;
    const heads = [columns.time, columns.words, columns.emotion, ...EMOTIONS.map((name) => text.emotions[name]), columns.sentiment];
    const rows = utterances.map(({ start, text: words, scores, uncertain }) => {
      const { emotion, sentiment } = reading(scores);
      const time = h("button", { class: "link numbers", "aria-label": text.transcript.from(format.clock(start)), onclick: () => seek(start) }, format.clock(start));
      const shares = EMOTIONS.map((name) => h("td", { class: "numbers" }, format.percent(scores.emotions[name])));
      return h("tr", {}, h("th", { scope: "row" }, time), h("td", {}, words), h("td", {}, feeling(emotion, { uncertain })), shares, h("td", {}, text.sentiments[sentiment]));
    });
    const table = h("table", {}, h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, rows));
    twin.append(h("div", { class: "table-frame", tabindex: 0, role: "region", "aria-label": text.river.table }, table));
  });
  return twin;
}
