// Which view belongs to which address, and moving between them without loading the page again.

import { announce, fill, h } from "./dom.js";
import { Problem } from "./server.js";
import { text } from "./text.js";

const main = document.getElementById("main");
let leave = () => {};
let routes = [];
let entered = 0;
let shown = "";

/** A link that was mailed: its fragment is for the view to act on. Every other fragment is a place within what is shown already. */
const MAILED = /^#(reset|verify)=/;

/**
 * Begin: each route is `[pattern, view]`; a view gets the main element and the pattern's groups, fills the element, and may return a
 * function that is called when it is left.
 */
export function begin(table) {
  routes = table;
  addEventListener("popstate", ({ state }) => {
    if (address() !== shown || MAILED.test(location.hash)) enter({ scroll: state?.scroll ?? 0 });
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || link.download || link.target) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || link.hasAttribute("data-plain") || !found(url.pathname)) return;
    if (url.pathname === location.pathname && url.hash) return;
    event.preventDefault();
    go(url.pathname + url.search + url.hash);
  });
  return enter();
}

/** Go to another view; who comes back finds this one where it was left. */
export function go(path, { replace = false } = {}) {
  if (!replace) note({ scroll: scrollY });
  history[replace ? "replaceState" : "pushState"](null, "", path);
  return enter({ moved: true });
}

/** Remember something of what is shown, for whoever comes back to it. */
export function note(state) {
  history.replaceState({ ...history.state, ...state }, "");
}

/** What was remembered of what is shown. */
export const noted = () => history.state ?? {};

/** Give what is shown another address. */
export function rename(path) {
  history.replaceState(null, "", path);
  shown = address();
}

/** A number of its own for each view that is entered: one that has waited for an answer looks whether it is still the one that is shown. */
export const current = () => entered;

const address = () => location.pathname + location.search;

function found(path) {
  for (const [pattern, view] of routes) {
    const match = pattern.exec(path);
    if (match) return [view, match.groups ?? {}];
  }
  return null;
}

async function enter({ moved = false, scroll = moved ? 0 : null } = {}) {
  leave();
  leave = () => {};
  entered += 1;
  const here = entered;
  shown = address();
  const [view, groups] = found(location.pathname) ?? [missing, {}];
  main.className = "main";
  main.setAttribute("aria-busy", "true");
  const left = await Promise.resolve(view(main, groups)).catch((error) => (here === entered ? showFault(error) : undefined));
  if (here !== entered) {
    left?.();
    return;
  }
  leave = left ?? (() => {});
  main.removeAttribute("aria-busy");
  for (const link of document.querySelectorAll("[data-nav]")) {
    if (new URL(link.href).pathname === location.pathname) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const place = location.hash && document.getElementById(location.hash.slice(1));
  if (place) place.scrollIntoView();
  else if (scroll !== null) scrollTo(0, scroll);
  const first = main.querySelector("[data-first]");
  if (moved || first) (first ?? main).focus({ preventScroll: true });
  if (moved) announce(document.title);
}

/** Name the view in the browser's title. */
export function entitle(title) {
  document.title = `${title} · ${text.name}`;
}

/** A view that could not be made, for instance since the server is away. */
function showFault(error) {
  const again = h("button", { class: "button", onclick: () => enter() }, text.tryAgain);
  fill(main, h("p", { class: "notice narrow", "data-kind": "wrong", role: "alert" }, h("span", {}, error.message), again));
  if (!(error instanceof Problem)) throw error;
}

function missing(element) {
  entitle(text.titles.missing);
  fill(element, h("div", { class: "narrow form" }, h("h1", {}, text.titles.missing), h("p", {}, text.missing), h("a", { href: "/" }, text.back)));
}
