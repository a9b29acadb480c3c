// Analyses as they were fetched: an attempt's never changes, so it is fetched once.

import { raw } from "./server.js";
import { text } from "./text.js";

const fetched = new Map();

/** The analysis of an attempt, or the newest that there is: `{analysis, attempt}`; Problem where there is none. */
export async function analysisOf(uploadId, attempt = null) {
  const key = `${uploadId}.${attempt}`;
  if (attempt !== null && fetched.has(key)) return fetched.get(key);
  const answer = await raw("GET", `/v1/uploads/${uploadId}/analysis.json${attempt === null ? "" : `?attempt=${attempt}`}`);
  const found = { analysis: withMoments(await answer.json()), attempt: Number(answer.headers.get("valence-attempt")) };
  fetched.set(`${uploadId}.${found.attempt}`, found);
  return found;
}

/** A video without words has moments instead of utterances: they are shown alike. */
function withMoments(analysis) {
  const moments = (analysis.moments ?? []).map((moment) => ({ ...moment, text: text.result.noWords, words: [] }));
  return analysis.utterances.length ? analysis : { ...analysis, utterances: moments };
}
