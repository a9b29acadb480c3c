// The API's reference: the OpenAPI document, drawn. What is not in the document is not here.

import { announce, fill, h, uniqueId } from "../scripts/dom.js";
import { mark } from "../scripts/icons.js";
import { text } from "../scripts/text.js";
import { anchor, operationElement } from "./operation.js";
import { paragraphs } from "./words.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const main = document.getElementById("main");
document.getElementById("skip").textContent = text.skip;

fill(
  document.getElementById("bar"),
  h("a", { class: "brand", href: "/" }, mark(), text.name),
  h("nav", { class: "row", "aria-label": text.nav.label }, h("a", { href: "/", "data-nav": true }, text.nav.library), h("a", { href: "/v1/openapi.json", "data-nav": true }, text.reference.document)),
);

try {
  const answer = await fetch("/v1/openapi.json");
  if (!answer.ok) throw new Error(text.problems.unknown);
  show(await answer.json());
} catch (error) {
  fill(main, h("p", { class: "notice", "data-kind": "wrong", role: "alert" }, error.message));
} finally {
  main.removeAttribute("aria-busy");
}

function show(description) {
  const operations = Object.entries(description.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method]).map((method) => ({ ...item[method], method, path })));
  const groups = description.tags.map((tag) => ({ ...tag, operations: operations.filter((operation) => operation.tags.includes(tag.name)) }));
  const sections = groups.map((group) => section(group, description));
  const links = groups.map((group) => navigation(group));
  const searchId = uniqueId();
  const search = h("input", { id: searchId, type: "search", autocomplete: "off", placeholder: text.reference.searchPlaceholder });
  const none = h("p", { class: "quiet", hidden: true }, text.reference.nothing);
  search.addEventListener("input", () => {
    const shown = filter(search.value, [...sections, ...links].flatMap(({ entries }) => entries));
    for (const { element, entries } of [...sections, ...links]) element.hidden = entries.every((entry) => entry.element.hidden);
    none.hidden = shown > 0;
    announce(text.reference.found(shown / 2));
  });
  fill(
    main,
    h(
      "div",
      { class: "reference-side" },
      h("h1", {}, text.reference.title),
      h("div", { class: "field" }, h("label", { for: searchId }, text.reference.search), search),
      h("nav", { "aria-label": text.reference.routes, tabindex: 0 }, links.map(({ element }) => element)),
    ),
    h("div", { class: "reference-words" }, h("div", { class: "reference-lead" }, paragraphs(description.info.description)), none, sections.map(({ element }) => element)),
  );
  document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

/** Hide what does not have every word that is looked for; how much is left. */
function filter(wanted, entries) {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  for (const { element, haystack } of entries) element.hidden = !words.every((word) => haystack.includes(word));
  return entries.filter(({ element }) => !element.hidden).length;
}

/** What a search looks through. */
function haystack({ method, path, summary, description, operationId }) {
  return [method, path, summary, description, operationId].join(" ").toLowerCase();
}

function section(group, description) {
  const entries = group.operations.map((operation) => ({ element: operationElement(operation, description), haystack: haystack(operation) }));
  const id = uniqueId();
  const element = h("section", { "aria-labelledby": id }, h("h2", { id }, group.name), h("p", { class: "quiet" }, group.description), entries.map((entry) => entry.element));
  return { element, entries };
}

function navigation(group) {
  const entries = group.operations.map((operation) => ({
    element: h("li", {}, h("a", { href: `#${anchor(operation)}` }, h("span", { class: "verb" }, operation.method), operation.summary)),
    haystack: haystack(operation),
  }));
  return { element: h("div", {}, h("p", { class: "reference-group" }, group.name), h("ul", {}, entries.map((entry) => entry.element))), entries };
}
