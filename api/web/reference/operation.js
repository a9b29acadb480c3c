// One operation of the API: what it does, what it takes, a command that asks for it, and all that it answers.

import { announce, h } from "../scripts/dom.js";
import { text } from "../scripts/text.js";
import { curl } from "./curl.js";
import { inline, paragraphs } from "./words.js";

/** Where an operation stands on the page. */
export const anchor = (operation) => operation.operationId;

/** The operation as an element. */
export function operationElement(operation, description) {
  const id = anchor(operation);
  return h(
    "article",
    { class: "operation", id, "aria-labelledby": `${id}-heading` },
    h("h3", { id: `${id}-heading` }, operation.summary),
    h("p", { class: "address" }, h("span", { class: "verb" }, operation.method), h("code", {}, operation.path.replaceAll("/", "/\u200b"))),
    paragraphs(operation.description),
    h("p", { class: "small quiet" }, whoMay(operation)),
    operation.parameters?.length ? parameters(operation.parameters, description) : null,
    command(curl(operation, location.origin)),
    answers(operation.responses),
  );
}

function whoMay({ security }) {
  if (!security.length) return text.reference.everybody;
  return security.some((way) => way.key) ? text.reference.keyOrSession : text.reference.session;
}

function parameters(list, description) {
  return h(
    "dl",
    { class: "parameters" },
    list.map((parameter) => [
      h("dt", {}, h("code", {}, parameter.name), h("span", { class: "small quiet" }, [parameter.in, typeOf(parameter.schema, description), parameter.required ? text.reference.required : null].filter(Boolean).join(" · "))),
      h("dd", {}, parameter.description ? inline(parameter.description) : null),
    ]),
  );
}

function typeOf(schema, description) {
  if (schema.$ref) return typeOf(description.components.schemas[schema.$ref.split("/").pop()], description);
  if (schema.enum) return schema.enum.join(" | ");
  const choices = (schema.oneOf ?? schema.anyOf ?? []).filter(({ type }) => type !== "null");
  if (choices.length) return choices.map((choice) => typeOf(choice, description)).join(" | ");
  if (schema.items) return text.reference.several(typeOf(schema.items, description));
  return schema.format ?? schema.type;
}

function command(line) {
  const copy = h("button", { class: "button", type: "button" }, text.settings.copy);
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(line);
    announce(text.settings.copied);
  });
  return h("div", { class: "example-command" }, h("pre", { tabindex: 0 }, h("code", {}, line)), copy);
}

function answers(responses) {
  return h(
    "div",
    { class: "answers" },
    Object.entries(responses).sort().map(([status, answer]) => {
      const contents = Object.entries(answer.content ?? {});
      const head = [h("code", {}, status), h("span", {}, inline(answer.description || text.reference.done))];
      if (!contents.length) return h("p", { class: "answer" }, head);
      return h("details", { class: "answer" }, h("summary", {}, head), contents.map(([type, content]) => examples(type, content)));
    }),
  );
}

function examples(type, content) {
  const values = content.examples ? Object.values(content.examples).map(({ value }) => value) : [content.example];
  return [h("p", { class: "small quiet" }, type), values.map((value) => h("pre", { tabindex: 0 }, h("code", {}, typeof value === "string" ? value : JSON.stringify(value, null, 2))))];
}
