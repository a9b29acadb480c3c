// The result: picture, river and words of one upload, in step.

import { analysisOf } from "./analyses.js";
import { comparison } from "./comparison.js";
import { announce, fill, h, say } from "./dom.js";
import { downloadMenu } from "./downloads.js";
import { erase } from "./erasing.js";
import * as format from "./formats.js";
import { icon } from "./icons.js";
import { live } from "./live.js";
import { outlookOf, pipeline, standing } from "./pipeline.js";
import { player } from "./player.js";
import { facts } from "./result_facts.js";
import { river } from "./river.js";
import { current, entitle, go } from "./router.js";
import { ask } from "./server.js";
import { listen, showShortcuts } from "./shortcuts.js";
import { text } from "./text.js";
import { transcript } from "./transcript.js";

/** Fill the main element with an upload's result, or with its way as long as there is none. */
export async function resultView(main, { id }) {
  const here = current();
  let upload;
  try {
    upload = await ask("GET", `/v1/uploads/${id}`);
  } catch (error) {
    if (error.status !== 404) throw error;
    if (here !== current()) return null;
    entitle(text.titles.missing);
    fill(main, h("div", { class: "narrow form" }, h("h1", {}, text.titles.missing), h("p", {}, text.missing), h("a", { href: "/" }, text.back)));
    return null;
  }
  live.learn(upload);
  entitle(format.nameOf(upload));
  const asked = new URLSearchParams(location.search).get("attempt");
  const found = await analysisOf(id, asked && Number(asked)).catch((error) => {
    if (error.status !== 404 && error.status !== 409) throw error;
    return null;
  });
  if (here !== current()) return null;
  return found ? showResult(main, upload, found) : showWay(main, upload);
}

/** No analysis yet: its stations, and on to the result as soon as it is there. */
function showWay(main, upload) {
  const name = format.nameOf(upload);
  const way = pipeline(name);
  const state = h("p", { class: "quiet", role: "status" });
  const outlook = h("p", { class: "small quiet numbers" }); // not in the status: a screen reader would read every second of it
  const update = (now) => {
    way.update(now);
    say(state, now.failure ? `${standing(now)}: ${now.failure.message}` : standing(now));
    say(outlook, outlookOf(now));
  };
  update(upload);
  fill(main, h("div", { class: "narrow form" }, h("a", { class: "small", href: "/" }, text.back), h("h1", { class: "file-name" }, h("bdi", {}, name)), state, outlook, way.element));
  return live.onChange((now) => {
    if (now.id !== upload.id) return;
    if (now.status === "completed") go(location.pathname + location.hash, { replace: true });
    else update(now);
  });
}

function showResult(main, upload, { analysis, attempt }) {
  const base = `/v1/uploads/${upload.id}`;
  const words = transcript(analysis.utterances, (seconds) => seek(seconds));
  const water = river(analysis, { seek: (seconds) => seek(seconds) });
  const screen = player(`${base}/content`, `${base}/analysis.vtt?attempt=${attempt}`, analysis, (seconds, utterance) => {
    water.follow(seconds, utterance);
    words.follow(seconds, utterance);
  });
  const seek = (seconds) => {
    screen.seek(seconds);
    remember(seconds);
  };
  const copyLink = async () => {
    remember(screen.video.currentTime);
    await navigator.clipboard.writeText(location.href);
    const said = text.result.linkCopied(format.clock(screen.video.currentTime));
    announce(said);
    note.textContent = said;
  };
  const note = h("p", { class: "small quiet note", "aria-hidden": "true" });
  const complain = (error) => {
    announce(error.message, { urgent: true });
    note.textContent = error.message;
  };
  const share = h("button", { class: "button", "data-kind": "plain", title: text.result.copyLink, onclick: copyLink }, icon("link"), text.result.copyLink);
  const keyboard = h("button", { class: "button", "data-kind": "plain", title: text.result.shortcuts, onclick: showShortcuts }, icon("help"), text.result.shortcuts);
  const remove = async () => {
    if (await erase(upload)) go("/");
  };
  const bin = h("button", { class: "button", "data-kind": "plain", title: text.erasing.erase, onclick: () => remove().catch(complain) }, icon("bin"), text.erasing.erase);
  const others = comparison(upload, attempt, words, complain);
  const reason = analysis.reason ? h("p", { class: "notice" }, text.result.reasons[analysis.reason]) : null;
  const gaps = analysis.gaps?.length ? h("p", { class: "notice" }, `${format.counted(analysis.gaps.length, text.result.gaps)}: ${analysis.gaps.map((gap) => gap.reason).join("; ")}`) : null;
  main.classList.add("result");
  fill(
    main,
    h(
      "header",
      { class: "result-head" },
      h("div", { class: "result-title" }, h("a", { class: "small quiet", href: "/" }, text.titles.library), h("h1", { class: "file-name" }, h("bdi", {}, format.nameOf(upload)))),
      h("div", { class: "row" }, keyboard, share, bin, others.controls, downloadMenu(text.result.download, (format) => `${base}/analysis.${format}?attempt=${attempt}`), note),
    ),
    reason,
    gaps,
    h("div", { class: "result-left" }, screen.element, water.element, others.element),
    words.element,
    facts(analysis, upload),
  );

  const toHash = () => {
    const asked = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
    if (asked) screen.seek(Math.min(Number(asked[1]), analysis.media_seconds));
  };
  toHash();
  addEventListener("hashchange", toHash);
  const silence = listen({
    toggle: () => screen.toggle(),
    utterance: (by) => words.step(screen.video.currentTime, by),
    word: (by) => words.stepWord(screen.video.currentTime, by),
    seconds: (by) => seek(Math.min(analysis.media_seconds, Math.max(0, screen.video.currentTime + by))),
    captions: () => screen.toggleCaptions(),
    mute: () => screen.toggleMute(),
    search: () => words.search(),
    link: copyLink,
  });
  return () => {
    removeEventListener("hashchange", toHash);
    silence();
    screen.video.pause();
    screen.video.removeAttribute("src");
    screen.video.load();
  };
}

/** The moment in the address, so that it can be shared and survives a reload. */
function remember(seconds) {
  history.replaceState(null, "", `${location.pathname}${location.search}#t=${Number(seconds.toFixed(2))}`);
}
