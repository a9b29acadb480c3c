// Requests to the API by the session's cookie, and its problems (RFC 9457) as errors.

import { sentence } from "./formats.js";
import { text } from "./text.js";

/** A refusal of the server, or none at all (`status` 0): `name` is the last part of the problem's type. */
export class Problem extends Error {
  constructor(status, document, retryAfter) {
    super(document.detail ?? text.problems.unknown);
    this.status = status;
    this.name = (document.type ?? "").split("/").pop();
    this.document = document;
    this.retryAfter = retryAfter;
  }
}

/** What a server says that is only away or busy. */
const PASSING = new Set([408, 429, 500, 502, 503, 504]);
export const passes = (status) => PASSING.has(status);

/** The header that tells our own requests from those another site has a browser make. */
export const OWN = { "Valence-Request": "1" };

/** The answer to a request, its JSON or null; Problem where the server refuses or cannot be reached. A `signal` gives the request up. */
export async function ask(method, path, body, signal) {
  const answer = await raw(method, path, body, signal);
  return answer.status === 204 || answer.headers.get("content-length") === "0" ? null : answer.json();
}

/** The same, as the Response. */
export async function raw(method, path, body, signal) {
  const headers = { Accept: "application/json", ...OWN };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), credentials: "same-origin", signal });
  } catch {
    throw new Problem(0, { detail: text.problems.unreachable });
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

async function problemOf(answer) {
  const document = (answer.headers.get("content-type") ?? "").includes("json") ? await answer.json() : {};
  if (document.detail) document.detail = sentence(document.detail);
  const problem = new Problem(answer.status, document, Number(answer.headers.get("retry-after")) || null);
  if (answer.status === 401) dispatchEvent(new CustomEvent("signed-out", { detail: problem }));
  return problem;
}

/** Every page of a list, as the server hands out cursors. */
export async function pageOf(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined));
  return ask("GET", `${path}?${query}`);
}
