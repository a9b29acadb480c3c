// Where videos are dropped or chosen: a real file input; whoever misses the zone by a little has dropped them all the same.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { queue } from "./queue.js";
import { text } from "./text.js";

/** The zone: `{element, resize(empty), leave()}`; an empty library has a large one that offers the sample. */
export function dropZone(complain) {
  const captions = h("input", { type: "checkbox" });
  const add = (files) => queue.add(files, { captions: captions.checked }).catch(complain);
  const input = h("input", { type: "file", multiple: true, accept: "video/*,audio/*", class: "visually-hidden", id: "files", onchange: () => {
    add([...input.files]);
    input.value = "";
  } });
  const heading = h("h2", {}, text.drop.heading);
  const sample = h("button", { class: "button", "data-size": "large" }, icon("play"), text.drop.sample);
  sample.addEventListener("click", async () => {
    sample.disabled = true;
    try {
      await add([await sampleFile()]);
    } finally {
      sample.disabled = false;
    }
  });
  const offer = h("div", { class: "offer" }, h("p", { class: "quiet small" }, text.drop.or), sample, h("p", { class: "quiet small" }, text.drop.sampleHint));
  const element = h(
    "section",
    { class: "drop", "aria-labelledby": "drop-heading" },
    h("div", { class: "drop-sign", "aria-hidden": "true" }, icon("upload")),
    h("div", { class: "drop-words" }, fill(heading, text.drop.heading), h("p", { class: "quiet small" }, text.drop.hint)),
    h("div", { class: "drop-choose" }, input, h("label", { class: "button", "data-kind": "main", "data-size": "large", for: "files" }, text.drop.choose)),
    h("label", { class: "check drop-captions" }, captions, h("span", {}, text.drop.captions)),
    offer,
  );
  heading.id = "drop-heading";

  let depth = 0; // entering a child leaves its parent: only the outermost counts
  const over = (change) => (event) => {
    if (!event.dataTransfer.types.includes("Files")) return; // a word that is dragged into the search
    event.preventDefault();
    depth = Math.max(0, depth + change);
    element.toggleAttribute("data-over", depth > 0);
    heading.textContent = depth > 0 ? text.drop.over : text.drop.heading;
  };
  const listening = new AbortController();
  const listen = (name, act) => document.addEventListener(name, act, { signal: listening.signal });
  listen("dragenter", over(1));
  listen("dragleave", over(-1));
  listen("drop", (event) => {
    over(-depth)(event);
    add([...event.dataTransfer.files]);
  });

  const resize = (empty) => {
    element.toggleAttribute("data-empty", empty);
    offer.hidden = !empty;
  };
  return { element, resize, leave: () => listening.abort() };
}

async function sampleFile() {
  const answer = await fetch(`${document.body.dataset.static}/sample.mp4`);
  const found = await answer.blob();
  return new File([found], "sample.mp4", { type: "video/mp4", lastModified: 0 });
}
