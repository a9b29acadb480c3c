// The lines of the sample's script with the moods it was written in: an illustration, not an analysis.

import { EMOTIONS } from "./feelings.js";

export const EXAMPLE_SECONDS = 44;

const LINES = [
  [0.7, 4.5, "neutral", "Good morning."],
  [5.2, 8.9, "joy", "We won the contract!", true],
  [9.6, 12.1, "surprise", "I can’t believe it!"],
  [12.9, 15.8, "joy", "You were great!"],
  [16.5, 19.0, "neutral", "The report is on the table."],
  [19.7, 23.9, "anger", "Who took my papers?", true],
  [24.6, 28.6, "sadness", "I feel terrible about it."],
  [29.3, 31.8, "sadness", "I miss the old office.", true],
  [32.5, 36.1, "fear", "Something is moving."],
  [36.8, 38.9, "surprise", "What?"],
  [39.6, 43.5, "joy", "It was only the cat!", true],
];
const LEANING = { joy: 0.8, surprise: 0.2, neutral: 0 };

/** Utterances as an analysis has them; `mood` is the script's, `shown` are those that are quoted. */
export const EXAMPLE = LINES.map(([start, end, mood, text, shown = false], place) => {
  const strong = 0.56 + 0.12 * ((place * 7) % 3);
  const rest = (1 - strong) / (mood === "neutral" ? 6 : 11);
  const emotions = Object.fromEntries(EMOTIONS.map((name) => [name, name === mood ? strong : name === "neutral" ? 6 * rest : rest]));
  const leans = LEANING[mood] ?? -0.8;
  return { start, end, text, mood, shown, scores: { emotions, sentiments: { negative: Math.max(0, -leans), neutral: 0, positive: Math.max(0, leans) } } };
});
