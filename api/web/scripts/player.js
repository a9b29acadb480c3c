// The picture with its controls; what is now comes from cues of the video itself, one an utterance.

import { h, say } from "./dom.js";
import * as format from "./formats.js";
import { icon } from "./icons.js";
import { text } from "./text.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];

/**
 * A player: `{element, video, seek, toggle, toggleCaptions, toggleMute}`. `told` is called with the seconds and the utterance that is said,
 * as the picture moves.
 */
export function player(source, captions, analysis, told) {
  const track = h("track", { kind: "captions", src: captions, srclang: analysis.language ?? "en", label: text.result.captions });
  const video = h("video", { preload: "metadata", playsinline: true, tabindex: -1, "aria-label": text.result.player }, track);
  const now = trackOfUtterances(video, analysis);
  const hearsOnly = () => video.readyState > 0 && !video.videoWidth;
  const control = (label, sign, act) => h("button", { class: "button", "data-kind": "icon", "aria-label": label, title: label, onclick: act }, icon(sign));
  const play = control(text.result.play, "play", () => toggle());
  const captionsButton = control(text.result.captions, "captions", () => toggleCaptions());
  const sound = control(text.result.mute, "sound", () => toggleMute());
  const full = control(text.result.full, "full", () => stage.requestFullscreen());
  const place = h("span", { class: "place numbers" });
  const speed = h(
    "select",
    { class: "speed numbers", "aria-label": text.result.speed, onchange: () => (video.playbackRate = Number(speed.value)) },
    SPEEDS.map((rate) => h("option", { value: String(rate), selected: rate === 1 }, `${rate}×`)),
  );
  const fault = h("div", { class: "player-fault", hidden: true }, h("p", {}, text.result.noVideo), h("button", { class: "button", onclick: () => reload() }, text.result.reload));
  const stage = h("div", { class: "stage" }, video, fault);
  captionsButton.setAttribute("aria-pressed", "false");
  sound.setAttribute("aria-pressed", "false");
  const element = h("div", { class: "player" }, stage, h("div", { class: "player-controls" }, play, place, h("span", { class: "gap" }), captionsButton, speed, sound, full));

  const tell = () => {
    say(place, `${format.clock(video.currentTime)} / ${format.clock(analysis.media_seconds)}`);
    told(video.currentTime, now());
  };
  const frame = () => {
    tell();
    if (!video.paused && !video.ended) requestAnimationFrame(frame);
  };
  const showPlaying = () => {
    play.replaceChildren(icon(video.paused ? "play" : "pause"));
    play.setAttribute("aria-label", video.paused ? text.result.play : text.result.pause);
    play.title = video.paused ? text.result.play : text.result.pause;
    if (!video.paused) requestAnimationFrame(frame);
  };
  for (const event of ["play", "pause", "ended"]) video.addEventListener(event, showPlaying);
  for (const event of ["seeked", "timeupdate", "loadedmetadata"]) video.addEventListener(event, tell);
  video.addEventListener("loadedmetadata", () => {
    fault.hidden = true;
    stage.toggleAttribute("data-sound-only", hearsOnly());
  });
  video.addEventListener("click", () => toggle());

  let wanted = null; // where to go once the video is there
  video.addEventListener("error", () => (fault.hidden = false));
  video.addEventListener("loadedmetadata", () => {
    if (wanted !== null) video.currentTime = wanted;
    wanted = null;
  });
  const seek = (seconds) => {
    if (video.readyState > 0) video.currentTime = seconds;
    else {
      wanted = seconds;
      told(seconds, analysis.utterances.find(({ start, end }) => start <= seconds && seconds < end) ?? null);
    }
  };
  /** The address of the video holds for a quarter of an hour: asked again, the server gives another. */
  const reload = () => {
    wanted = wanted ?? video.currentTime;
    video.src = source;
    video.load();
  };
  const toggle = () => (video.paused ? video.play().catch(() => (fault.hidden = false)) : video.pause());
  const toggleCaptions = () => {
    const showing = track.track.mode === "showing";
    track.track.mode = showing ? "hidden" : "showing";
    captionsButton.setAttribute("aria-pressed", String(!showing));
  };
  const toggleMute = () => {
    video.muted = !video.muted;
    sound.setAttribute("aria-pressed", String(video.muted));
    sound.replaceChildren(icon(video.muted ? "silent" : "sound"));
  };
  video.src = source;
  tell();
  return { element, video, seek, toggle, toggleCaptions, toggleMute };
}

/** A track that is not shown, with a cue for each utterance: the browser says which of them is now. */
function trackOfUtterances(video, { utterances }) {
  const track = video.addTextTrack("metadata");
  track.mode = "hidden";
  utterances.forEach(({ start, end }, position) => {
    const cue = new VTTCue(start, Math.max(end, start + 0.01), "");
    cue.id = String(position);
    track.addCue(cue);
  });
  let active = null;
  track.addEventListener("cuechange", () => {
    const cue = track.activeCues?.[0];
    active = cue ? utterances[Number(cue.id)] : null;
    video.dispatchEvent(new Event("timeupdate"));
  });
  return () => active;
}
