// An upload that is on its way: its file being sent, then its stations.

import { announce, fill, h, say } from "./dom.js";
import * as format from "./formats.js";
import { icon } from "./icons.js";
import { outlookOf, pipeline, standing } from "./pipeline.js";
import { queue } from "./queue.js";
import { text } from "./text.js";

/** A card for an upload: `{element, update(upload, sending, interrupted)}`. `complain` shows what went wrong. */
export function uploadCard(upload, complain) {
  const name = format.nameOf(upload);
  const way = pipeline(name);
  const state = h("p", { class: "state" });
  const bar = h("progress", { class: "progress", max: 1, "aria-label": text.uploads.progress(name) });
  const facts = h("p", { class: "facts small quiet numbers" });
  const actions = h("div", { class: "row actions" });
  const element = h("li", { class: "card" }, h("div", { class: "card-head" }, h("h3", { class: "file-name" }, h("bdi", {}, name)), state, actions), bar, facts, way.element);
  let offered = "";

  const offer = (kind, buttons) => {
    if (offered === kind) return; // a button that stays the same keeps its focus
    offered = kind;
    fill(actions, buttons());
  };
  const button = (label, sign, act) =>
    h("button", { class: "button", "data-kind": "plain", "aria-label": text.uploads.named(label, name), onclick: () => act()?.catch?.(complain) }, sign && icon(sign), label);
  const cancel = () => button(text.uploads.cancel, "stop", () => queue.cancel(upload.id));

  const update = (now, sending, interrupted) => {
    way.update(now);
    bar.hidden = facts.hidden = !sending;
    if (sending) {
      bar.value = sending.file.size ? sending.sent / sending.file.size : 0;
      say(facts, progressOf(sending));
      say(state, stateOf(sending));
      if (sending.state === "failed" && offered !== "failed") announce(text.pipeline.said(name, stateOf(sending)), { urgent: true });
      const goOn = { paused: text.uploads.resume, failed: text.tryAgain }[sending.state];
      if (sending.state === "finishing") offer("finishing", () => []);
      else if (goOn) offer(sending.state, () => [button(goOn, "play", () => queue.resume(sending)), cancel()]);
      else offer("moving", () => [button(text.uploads.pause, "pause", () => sending.pause()), cancel()]);
    } else if (interrupted) {
      say(state, text.uploads.interrupted);
      offer("interrupted", () => [pickAgain(now, name, complain), cancel()]);
    } else {
      say(state, [standing(now), outlookOf(now)].filter(Boolean).join(" · "));
      offer("working", () => [cancel()]);
    }
  };
  return { element, update };
}

function stateOf(sending) {
  const { state } = sending;
  if (state === "failed") return text.uploads.failed(sending.failure);
  if (state === "sending" && sending.detour) return text.uploads.detour;
  if (state === "sending") return sending.resumedAt ? text.uploads.resumed(format.percent(sending.resumedAt / sending.file.size)) : text.pipeline.doing.uploading;
  return text.uploads[state];
}

function progressOf(sending) {
  const said = [text.uploads.sending(format.bytes(sending.sent), format.bytes(sending.file.size))];
  if (sending.speed > 0) {
    said.push(text.uploads.speed(format.bytes(sending.speed)));
    said.push(text.uploads.left(format.duration((sending.file.size - sending.sent) / sending.speed)));
  }
  return said.join(" · ");
}

function pickAgain(upload, name, complain) {
  const input = h("input", {
    type: "file",
    class: "visually-hidden",
    "aria-label": text.uploads.named(text.uploads.pickAgain, name),
    onchange: () => {
      const [file] = input.files;
      if (file && !queue.goOn(upload, file)) complain(new Error(text.uploads.wrongFile(name, format.bytes(upload.bytes))));
      input.value = "";
    },
  });
  return h("label", { class: "button", "data-kind": "main" }, input, text.uploads.pickAgain);
}
