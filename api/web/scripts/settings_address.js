// The account's address, as long as it is still to be confirmed by the link that was mailed to it.

import { h } from "./dom.js";
import { acting, outcome } from "./settings.js";
import { ask } from "./server.js";
import { signedIn, whoIs } from "./session.js";
import { text } from "./text.js";

/** How a link that confirms an address ends: in the fragment, which no server sees. */
const VERIFY_LINK = /^#verify=(.+)$/;

/** Confirm the address if the page was opened by such a link; the words that tell how that went, or null. */
export async function confirmAddress() {
  const token = VERIFY_LINK.exec(location.hash)?.[1];
  if (!token) return null;
  history.replaceState(null, "", "/settings");
  const told = outcome();
  try {
    await ask("PUT", "/v1/email-verifications", { token });
    signedIn((await ask("GET", "/v1/session")).account);
    told.worked(text.settings.addressConfirmed);
  } catch (error) {
    told.failed(error.message);
  }
  return told.element;
}

/** What to do before there can be keys or webhooks; null where nothing is to be confirmed. */
export async function unconfirmed() {
  const account = await whoIs();
  if (!account?.must_verify_email) return null;
  const told = outcome();
  const again = h("button", { class: "button" }, text.settings.sendAgain);
  again.addEventListener("click", acting(told, async () => {
    await ask("POST", "/v1/email-verifications");
    told.worked(text.settings.sentAgain);
  }));
  return h("div", { class: "form" }, h("p", { class: "notice" }, text.settings.unconfirmed(account.email)), told.element, h("div", {}, again));
}
