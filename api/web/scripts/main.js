// Where the page begins: who is signed in, the bar, and which view is shown.

import { announce, fill, h } from "./dom.js";
import { mark } from "./icons.js";
import { libraryView } from "./library.js";
import { live } from "./live.js";
import { queue } from "./queue.js";
import { resultView } from "./result.js";
import { begin, go } from "./router.js";
import { ask } from "./server.js";
import { settingsView } from "./settings.js";
import { signedIn, someoneIs, whoIs } from "./session.js";
import { text } from "./text.js";
import { RESET_LINK, resetView, signInView, signUpView } from "./welcome.js";

/** A view for whoever is signed in; others are sent to sign up, or to sign in again, and come back. */
const behindSession = (view) => async (main, groups) => {
  if (await whoIs()) return view(main, groups);
  return go(location.pathname === "/" ? "/sign-up" : `/sign-in#${encodeURIComponent(location.pathname + location.search + location.hash)}`, { replace: true });
};

function showBar(account) {
  const bar = document.getElementById("bar");
  if (!account) {
    fill(bar);
    return;
  }
  const connection = h("p", { class: "connection", "data-state": "live" }, h("span", {}, text.connection.live));
  live.onConnection((state) => {
    connection.dataset.state = state;
    connection.firstChild.textContent = state === "live" ? text.connection.live : text.connection.waiting;
  });
  fill(
    bar,
    h("a", { class: "brand", href: "/" }, mark(), text.name),
    connection,
    h(
      "nav",
      { class: "row", "aria-label": text.nav.label },
      h("a", { href: "/", "data-nav": true }, text.nav.library),
      h("a", { href: "/settings", "data-nav": true }, text.nav.settings),
      h("button", { class: "button", "data-kind": "plain", onclick: signOut }, text.nav.signOut),
    ),
  );
}

/** The session is the browser's: its other tabs end with it. */
const tabs = new BroadcastChannel("valence.session");
tabs.addEventListener("message", () => dispatchEvent(new CustomEvent("signed-out")));

async function signOut() {
  await ask("DELETE", "/v1/session");
  tabs.postMessage("signed-out");
  signedIn(null);
  await go("/sign-in");
}

function showBanner() {
  const banner = h("p", { class: "banner", hidden: true }, text.connection.lost);
  document.getElementById("bar").after(banner);
  live.onConnection((state, before) => {
    banner.hidden = state === "live";
    if (state === "waiting") announce(text.connection.lost, { urgent: true });
    else if (before === "waiting") announce(text.connection.again, { urgent: true });
  });
}

addEventListener("session", ({ detail }) => {
  showBar(detail);
  if (detail) {
    live.start();
    queue.start(detail.id);
  } else {
    live.stop();
    queue.stop();
  }
});
addEventListener("signed-out", () => {
  if (someoneIs()) {
    signedIn(null);
    announce(text.problems.ended, { urgent: true });
    go(`/sign-in#${encodeURIComponent(location.pathname + location.search + location.hash)}`);
  }
});
// A file that is dropped where nothing takes it would be opened in place of the page.
for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.dataTransfer.types.includes("Files") && event.preventDefault());
document.getElementById("skip").textContent = text.skip;
showBanner();
await begin([
  [/^\/$/, (main, groups) => (RESET_LINK.test(location.hash) ? go(`/reset${location.hash}`, { replace: true }) : behindSession(libraryView)(main, groups))],
  [/^\/uploads\/(?<id>[0-9a-f-]{36})$/, behindSession(resultView)],
  [/^\/settings$/, behindSession(settingsView)],
  [/^\/sign-in$/, signInView],
  [/^\/sign-up$/, signUpView],
  [/^\/reset$/, resetView],
]);
