// Who is signed in: asked once, then known until it changes.

import { Problem, ask } from "./server.js";

let known;

/** The account that is signed in, or null; Problem where the server cannot say. */
export async function whoIs() {
  if (known === undefined) {
    try {
      signedIn((await ask("GET", "/v1/session")).account);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
      signedIn(null);
    }
  }
  return known;
}

/** Whether somebody was signed in when last seen. */
export const someoneIs = () => Boolean(known);

/** Remember who is signed in from now on, and tell the rest of the page. */
export function signedIn(account) {
  known = account;
  dispatchEvent(new CustomEvent("session", { detail: account }));
}
