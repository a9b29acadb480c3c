// The seven emotions and three sentiments: names, marks, and what scores say.

import { h, s } from "./dom.js";
import { percent } from "./formats.js";
import { text } from "./text.js";

/** From the darkest to the lightest, as the river stacks them. */
export const EMOTIONS = ["anger", "disgust", "fear", "sadness", "neutral", "surprise", "joy"];
export const SENTIMENTS = ["negative", "neutral", "positive"];
export const MODALITIES = ["text", "voice", "face"];

const MOUTHS = {
  anger: "M3 10.5 5.5 6 8 10.5 10.5 6 13 10.5",
  disgust: "M3 7.5c2.5-2 4 2.5 6.5 1s2-2 3.5-1M9.5 8.6v3",
  fear: "M2.5 8.5c1-2.5 2.6-2.5 3.6 0s2.7 2.5 3.7 0 2.7-2.5 3.7 0",
  joy: "M3 6.5c1 5.5 9 5.5 10 0",
  neutral: "M3.5 8h9",
  sadness: "M3 10.5c1-5.5 9-5.5 10 0",
  surprise: "M8 4.5a3 3.5 0 1 0 .01 0",
};

/** The mark of an emotion: a mouth, so that no colour is needed to tell them apart. */
export function mouth(emotion) {
  const line = s("path", { d: MOUTHS[emotion], fill: "none", stroke: "currentColor", "stroke-width": 1.75, "stroke-linecap": "round", "stroke-linejoin": "round" });
  return h("span", { class: "mouth", "data-emotion": emotion, "aria-hidden": "true" }, s("svg", { viewBox: "0 0 16 16" }, line));
}

/** An emotion with its mark and name. */
export function feeling(emotion, { share = null, uncertain = false } = {}) {
  const words = [uncertain ? text.feelings.perhaps(text.emotions[emotion]) : text.emotions[emotion], share === null ? "" : ` ${percent(share)}`];
  return h("span", { class: "feeling", "data-emotion": emotion, "data-uncertain": uncertain }, mouth(emotion), h("span", {}, words.join("")));
}

/** The names by falling probability. */
const ranked = (scores) => Object.keys(scores).sort((one, other) => scores[other] - scores[one]);

/** The likeliest emotion of scores, the next one, and the likeliest sentiment. Whether to believe it is not in scores: the document says it of each utterance. */
export function reading(scores) {
  const [first, second] = ranked(scores.emotions);
  return {
    emotion: first,
    second,
    sentiment: ranked(scores.sentiments)[0],
    share: scores.emotions[first],
  };
}

/** How it leans, -1 wholly negative to 1 wholly positive. */
export const leaning = (scores) => scores.sentiments.positive - scores.sentiments.negative;
