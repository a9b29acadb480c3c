// Numbers, sizes and times as people of the page's language write them.

import { text } from "./text.js";

const language = document.documentElement.lang;
const percentFormat = new Intl.NumberFormat(language, { style: "percent" });
const dateFormat = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const monthFormat = new Intl.DateTimeFormat(language, { month: "long", year: "numeric", timeZone: "UTC" });
const relativeFormat = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const plurals = new Intl.PluralRules(language);
const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** Marks that turn the direction of what follows, or of what is beside them: none of them can be seen by itself. */
export const TURNING = "\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069";
const UNSEEN = new RegExp(`[\\u0000-\\u001f\\u007f-\\u009f${TURNING}]`, "g");

/**
 * The name of an upload as it is shown: a mark that would turn text around, so that "clip" and "exe" could be read as "clip.mp4", is seen as a
 * mark that cannot be shown, and obeyed by nobody. What was ingested has the name of its object.
 */
export const nameOf = (upload) => (upload.filename ?? upload.source.slice(upload.source.lastIndexOf("/") + 1)).replace(UNSEEN, "\ufffd");

/** A probability, 0 to 1. */
export const percent = (share) => percentFormat.format(share);

/** Bytes in the largest unit that leaves a number above one. */
export function bytes(count) {
  let unit = 0;
  let rest = count;
  while (rest >= 1000 && unit < UNITS.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && rest < 10 ? 1 : 0;
  return new Intl.NumberFormat(language, { style: "unit", unit: UNITS[unit], unitDisplay: unit ? "short" : "long", maximumFractionDigits: digits }).format(rest);
}

/** A place in a video: 1:02, or 1:00:02 from an hour on. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const padded = String(rest).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${padded}` : `${minutes}:${padded}`;
}

/** How long something takes, roughly: 40 s, 3 min. */
export function duration(seconds) {
  const [count, unit] = seconds < 90 ? [Math.ceil(seconds), "second"] : seconds < 5400 ? [Math.round(seconds / 60), "minute"] : [Math.round(seconds / 3600), "hour"];
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(count);
}

/** A moment as a date with its time of day. */
export const moment = (iso) => dateFormat.format(new Date(iso));

/** A month, such as 2026-11, by its name. */
export const month = (iso) => monthFormat.format(new Date(iso));

/** A moment as its distance from now. */
export function ago(iso) {
  const seconds = (new Date(iso) - Date.now()) / 1000;
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return relativeFormat.format(Math.round(seconds / size), unit);
  }
  return text.justNow;
}

/** A message, which may be a part of something longer, as a sentence of its own. */
export const sentence = (message) => `${message[0].toLocaleUpperCase(language)}${message.slice(1)}${/[.!?]$/.test(message) ? "" : "."}`;

/** The form of a text that fits a number. */
export const counted = (count, forms) => (forms[plurals.select(count)] ?? forms.other).replace("{n}", new Intl.NumberFormat(language).format(count));
