// A video that has come to its end: a picture of it with its river in small, or why there is none.

import { fill, h, s } from "./dom.js";
import { analysisOf } from "./analyses.js";
import { erase } from "./erasing.js";
import * as format from "./formats.js";
import { hitList } from "./hits.js";
import { icon } from "./icons.js";
import { live } from "./live.js";
import { standing } from "./pipeline.js";
import { riverBands } from "./river_shape.js";
import { ask } from "./server.js";
import { text } from "./text.js";

const WIDTH = 160;
const HEIGHT = 40;
/** The analysis of a longer video is too much to fetch for a small picture. */
const LONGEST_SECONDS = 1200;

/** A row: `{element, update(upload), find(found, words)}`, with the moments it is found for; `gone` is called once its video is deleted. */
export function libraryRow(upload, complain, gone) {
  const name = format.nameOf(upload);
  const title = h("h3", { class: "file-name" });
  const facts = h("p", { class: "small quiet numbers" });
  const failure = h("p", { class: "failure small" });
  const actions = h("div", { class: "actions" });
  const picture = h("div", { class: "thumbnail" });
  const water = h("div", { class: "miniature", "aria-hidden": "true" });
  const hits = h("div");
  const words = h("div", { class: "library-words" }, title, facts, failure, hits);
  const element = h("li", { class: "library-row" }, h("div", { class: "library-picture" }, picture, water), words, actions);
  let shown = null;

  const retry = async (button) => {
    button.disabled = true;
    try {
      live.learn(await ask("POST", `/v1/uploads/${upload.id}/retry`));
    } finally {
      button.disabled = false;
    }
  };
  const remove = async () => {
    if (await erase(upload)) gone();
  };
  const update = (now) => {
    if (shown === now.sequence) return;
    shown = now.sequence;
    const done = now.status === "completed";
    fill(title, done ? h("a", { href: `/uploads/${now.id}` }, h("bdi", {}, name)) : h("bdi", {}, name));
    facts.textContent = factsOf(now).join(" · ");
    failure.hidden = !now.failure;
    failure.textContent = now.failure ? `${format.sentence(now.failure.message)} ${now.failure.retryable ? text.pipeline.helps : text.pipeline.helpsNot}` : "";
    const again = h("button", { class: "button", "aria-label": text.uploads.named(text.tryAgain, name), onclick: () => retry(again).catch(complain) }, icon("again"), text.tryAgain);
    const bin = h("button", { class: "button", "data-kind": "plain", "aria-label": text.uploads.named(text.erasing.erase, name), onclick: () => remove().catch(complain) }, icon("bin"), text.erasing.erase);
    fill(actions, now.failure?.retryable ? again : null, bin);
    element.dataset.status = now.status;
    show(picture, now, name);
    water.hidden = !(done && (now.media?.duration_seconds ?? Infinity) <= LONGEST_SECONDS);
    if (!water.hidden) whenSeen(water, () => draw(water, now).catch(complain));
  };
  const find = (found, words) => fill(hits, hitList(upload.id, found, words));
  return { element, update, find };
}

function factsOf(upload) {
  const facts = [upload.status === "completed" ? null : standing(upload), format.ago(upload.created_at)];
  if (upload.media?.duration_seconds) facts.push(format.clock(upload.media.duration_seconds));
  if (upload.bytes) facts.push(format.bytes(upload.bytes));
  if (upload.attempt > 1) facts.push(text.pipeline.attempt(upload.attempt));
  return facts.filter(Boolean);
}

/** A picture from the video; a sign where there is only sound, or nothing that could be shown. */
function show(place, upload, name) {
  const sign = (kind) => fill(place, icon(kind));
  if (!upload.media) return sign("stop");
  if (!upload.media.video) return sign("wave");
  if (place.querySelector("img")) return place; // another attempt is of the same video
  const image = h("img", { loading: "lazy", decoding: "async", width: WIDTH, height: (WIDTH * 9) / 16, alt: text.library.picture(name), src: `/v1/uploads/${upload.id}/thumbnail` });
  image.addEventListener("error", () => sign("play"));
  return fill(place, image);
}

async function draw(picture, upload) {
  const { analysis } = await analysisOf(upload.id);
  const bands = riverBands(analysis.utterances, analysis.media_seconds, WIDTH, HEIGHT);
  const paths = bands.map(({ emotion, path }) => s("path", { d: path, "data-emotion": emotion, class: "band" }));
  fill(picture, s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" }, paths));
}

/** Act once an element comes into sight. */
function whenSeen(element, act) {
  const watcher = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watcher.disconnect();
    act();
  });
  watcher.observe(element);
}
