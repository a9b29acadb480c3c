// Elements made from values. Text is always text: nothing here parses markup, so what strangers wrote cannot act.

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "open", "selected", "multiple", "muted", "indeterminate"]);

/** An HTML element: attributes by name, `on…` for listeners, `null` and `false` for none; children are elements, text or lists. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) element[name] = value;
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...present(children));
  return element;
}

/** Put other children into an element. */
export function fill(element, ...children) {
  element.replaceChildren(...present(children));
  return element;
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Set the text only if it is another: screen readers would read it again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Tell it to screen readers; `urgent` interrupts. */
export function announce(text, { urgent = false } = {}) {
  say(document.getElementById(urgent ? "alerts" : "announcements"), text);
}

let ids = 0;

/** An id that no other element has, to tie a label to its field. */
export function uniqueId() {
  ids += 1;
  return `made-${ids}`;
}
