// What is said, utterance by utterance: follows the picture, leads to every word, can be searched.

import { fill, h, say } from "./dom.js";
import { feeling, reading } from "./feelings.js";
import * as format from "./formats.js";
import { icon } from "./icons.js";
import { scoresPanel } from "./scores.js";
import { text } from "./text.js";

/** The transcript: `{element, follow, step, stepWord, search, compareWith}`. `seek` is called with seconds. */
export function transcript(utterances, seek) {
  const items = utterances.map((utterance) => item(utterance, seek));
  const list = h("ol", { class: "utterances" }, items.map(({ element }) => element));
  const input = h("input", { type: "search", placeholder: text.transcript.search, "aria-label": text.transcript.search });
  const found = h("p", { class: "found small quiet", role: "status" });
  const back = h("button", { class: "button follow", "data-kind": "main", hidden: true, onclick: () => followAgain() }, icon("follow"), text.transcript.follow);
  const frame = h("div", { class: "transcript-frame", tabindex: 0, role: "region", "aria-label": text.transcript.list }, list);
  const element = h(
    "section",
    { class: "transcript", "aria-label": text.transcript.heading },
    h("div", { class: "transcript-head" }, h("h2", {}, text.transcript.heading), h("div", { class: "search" }, icon("search"), input)),
    found,
    frame,
    back,
  );

  let current = -1;
  let word = null;
  let led = true; // whether the list follows; whoever scrolls leads himself
  for (const event of ["wheel", "touchmove", "pointerdown"]) frame.addEventListener(event, () => (led = false), { passive: true });
  frame.addEventListener("click", (event) => {
    const spoken = event.target.closest("[data-start]");
    if (!spoken || getSelection().toString()) return;
    led = true;
    seek(Number(spoken.dataset.start));
  });
  const followAgain = () => {
    led = true;
    back.hidden = true;
    reveal(frame, items[current]?.element);
  };

  const follow = (seconds, utterance) => {
    const place = utterance ? utterances.indexOf(utterance) : -1;
    if (place !== current && place !== -1) {
      items[current]?.element.removeAttribute("aria-current");
      items[place].element.setAttribute("aria-current", "true");
      current = place;
      if (led) reveal(frame, items[place].element);
    }
    const spoken = place === -1 ? null : items[place].wordAt(seconds);
    if (spoken !== word) {
      word?.removeAttribute("data-now");
      spoken?.setAttribute("data-now", "");
      word = spoken;
    }
    back.hidden = led || current === -1;
  };

  const step = (seconds, by) => {
    const ahead = by > 0 ? utterances.find(({ start }) => start > seconds + 0.05) : [...utterances].reverse().find(({ start }) => start < seconds - 1);
    led = true;
    seek(ahead?.start ?? (by > 0 ? seconds : 0));
  };
  const stepWord = (seconds, by) => {
    const starts = utterances.flatMap(({ words }) => words.map(({ start }) => start));
    const to = by > 0 ? starts.find((start) => start > seconds + 0.02) : starts.filter((start) => start < seconds - 0.15).at(-1);
    led = true;
    if (to !== undefined) seek(to);
  };

  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    const matching = items.filter((one) => one.match(wanted));
    say(found, wanted ? format.counted(matching.length, { ...text.transcript.found, other: matching.length ? text.transcript.found.other : text.transcript.found.zero }) : "");
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") items.find((one) => !one.element.hidden)?.go();
    if (event.key === "Escape") {
      input.value = "";
      input.dispatchEvent(new Event("input"));
      input.blur();
    }
  });
  return { element, follow, step, stepWord, search: () => input.focus(), compareWith: (other) => compare(items, utterances, other) };
}

function item(utterance, seek) {
  const { start, words, scores, uncertain } = utterance;
  const { emotion, second, share } = reading(scores);
  const pieces = words.length ? words : [{ text: utterance.text, start, end: utterance.end }];
  const spans = pieces.map((one) => h("span", { class: "word", "data-start": one.start }, one.text));
  const said = h("p", { class: "said" }, spans.flatMap((span) => [span, " "]));
  const time = h("button", { class: "time numbers", "aria-label": text.transcript.from(format.clock(start)), onclick: () => seek(start) }, format.clock(start));
  const doubt = uncertain ? h("p", { class: "doubt small quiet" }, text.transcript.uncertain(text.emotions[emotion], text.emotions[second])) : null;
  const before = h("p", { class: "before small", hidden: true });
  const panel = h("details", { class: "utterance-scores" }, h("summary", { "aria-label": `${text.transcript.scores}, ${format.clock(start)}` }, text.transcript.scores));
  panel.addEventListener("toggle", () => panel.querySelector("table") ?? panel.append(scoresPanel(utterance)));
  const element = h("li", { class: "utterance", "data-emotion": emotion, "data-uncertain": uncertain }, time, said, h("div", { class: "felt" }, feeling(emotion, { share, uncertain }), before, panel), doubt);
  const searchable = pieces.map((one) => one.text.toLowerCase());
  return {
    element,
    before,
    emotion,
    go: () => seek(start),
    wordAt: (seconds) => spans[pieces.findLastIndex((one) => one.start <= seconds + 0.01)] ?? null,
    /** Hide it unless the words are in it, and mark them. */
    match: (wanted) => {
      const line = searchable.join(" ");
      const from = wanted ? line.indexOf(wanted) : -1;
      element.hidden = Boolean(wanted) && from === -1;
      let at = 0;
      spans.forEach((span, position) => {
        const end = at + searchable[position].length;
        span.toggleAttribute("data-found", from !== -1 && at < from + wanted.length && end > from);
        at = end + 1;
      });
      return !element.hidden;
    },
  };
}

/** Mark where another attempt felt otherwise; returns how many differ. null takes the marks away. */
function compare(items, utterances, other) {
  let differing = 0;
  items.forEach(({ before, emotion }, place) => {
    const was = other && emotionDuring(other, utterances[place]);
    before.hidden = !was || was === emotion;
    if (before.hidden) return;
    differing += 1;
    fill(before, icon("compare"), text.transcript.changed(text.emotions[was].toLowerCase()));
  });
  return differing;
}

/** What another analysis felt for most of an utterance's time; null where it heard nothing. */
function emotionDuring(others, { start, end }) {
  let [best, longest] = [null, 0];
  for (const one of others) {
    const overlap = Math.min(end, one.end) - Math.max(start, one.start);
    if (overlap > longest) [best, longest] = [reading(one.scores).emotion, overlap];
  }
  return best;
}

/** Scroll only the list, and only if the element is not in its middle already. */
function reveal(frame, element) {
  if (!element) return;
  const [outer, inner] = [frame.getBoundingClientRect(), element.getBoundingClientRect()];
  if (inner.top > outer.top + outer.height * 0.15 && inner.bottom < outer.top + outer.height * 0.6) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  frame.scrollBy({ top: inner.top - outer.top - outer.height * 0.3, behavior: calm ? "auto" : "smooth" });
}
