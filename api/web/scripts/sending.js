// One file on its way: in parts that are read one by one, checked by digest, sent three at a time, and found again after an interruption.

import { StorageProblem, straightIsWanted, straightToStorage, throughTheApi } from "./part_ways.js";
import { Problem, ask } from "./server.js";
import { text } from "./text.js";
import { MOST_TRIES, Tries } from "./tries.js";

const AT_ONCE = 3;
const FIRST_PAUSE_MILLISECONDS = 1000;
const LONGEST_PAUSE_MILLISECONDS = 30000;
const PUT_TOGETHER = "content-already-received";
/** Over which time the speed is measured. */
const SPEED_MILLISECONDS = 5000;

/** A part that did not arrive because sending was stopped. */
class Stopped extends Error {}

/** Sends a file to an upload. `state` is waiting, checking, sending, offline, busy, refused, paused, finishing, done, failed or cancelled. */
export class Sending extends EventTarget {
  #requests = new Map();
  #stored = 0;
  #samples = [];
  #wanted = false;
  #round = 0;
  #tries = new Tries();
  #pause = FIRST_PAUSE_MILLISECONDS;
  #wake = () => {};

  /** `upload` is the announced one with its `part_size`. */
  constructor(file, upload) {
    super();
    this.file = file;
    this.upload = upload;
    this.state = "waiting";
    this.failure = null;
    this.resumedAt = 0;
    this.detour = false;
  }

  /** The bytes that have arrived, those of parts on the way included. */
  get sent() {
    return Math.min(this.file.size, this.#stored + [...this.#requests.values()].reduce((sum, part) => sum + part.sent, 0));
  }

  /** Bytes a second over the last seconds, 0 while nothing moves. */
  get speed() {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    return this.state === "sending" && last && last.at > first.at ? ((last.sent - first.sent) * 1000) / (last.at - first.at) : 0;
  }

  /** Send what is missing until everything is there, somebody stops it, or it cannot go on. */
  async run() {
    this.#wanted = true;
    this.#startAfresh();
    while (this.#wanted) {
      try {
        await this.#sendMissing();
        this.#become("finishing");
        this.upload = await this.#tries.of("complete", () => ask("POST", `/v1/uploads/${this.upload.id}/complete`, {}));
        this.#end("done");
      } catch (error) {
        this.#stopRequests();
        if (error instanceof Stopped || !this.#wanted) return;
        const goesOn = this.#tries.areLeft(error) || this.#mayGoAnotherWay(error);
        if (goesOn) await this.#patience(error);
        else this.#fail(error);
      }
    }
  }

  /** Stop for now; `run` goes on with what is missing. */
  pause() {
    this.#stop("paused");
  }

  /** Stop for good. */
  cancel() {
    this.#stop("cancelled");
  }

  async #sendMissing() {
    this.#become("checking");
    const found = await this.#tries.of("parts", () => this.#partsThere());
    if (!found) return;
    const { part_size: size, parts } = found;
    const there = new Set(parts.map((part) => part.number));
    this.#stored = parts.reduce((sum, part) => sum + part.bytes, 0);
    this.resumedAt = this.#stored;
    this.#samples = [];
    const missing = Array.from({ length: Math.ceil(this.file.size / size) }, (_, place) => place + 1).filter((number) => !there.has(number));
    this.#become("sending");
    const round = this.#round;
    const next = async () => {
      while (missing.length) {
        const number = missing.shift();
        await this.#tries.of(number, () => this.#sendPart(number, size, round));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  }

  /** The parts that have come; null where they have been put together already, and only the answer was lost. */
  async #partsThere() {
    try {
      return await ask("GET", `/v1/uploads/${this.upload.id}/parts`);
    } catch (error) {
      if (error.name === PUT_TOGETHER) return null;
      throw error;
    }
  }

  async #sendPart(number, size, round) {
    const part = this.file.slice((number - 1) * size, number * size);
    const way = straightIsWanted() && !this.detour ? straightToStorage : throughTheApi;
    const { address, headers, refusal } = await way(this.upload, number, await part.arrayBuffer());
    if (round !== this.#round) throw new Stopped(); // stopped while it was read
    const request = new XMLHttpRequest();
    this.#requests.set(number, { request, sent: 0 });
    await new Promise((resolve, reject) => {
      request.open("PUT", address);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.addEventListener("progress", (event) => this.#progress(number, event.loaded));
      request.addEventListener("load", () => (request.status < 300 ? resolve() : reject(refusal(request))));
      request.addEventListener("error", () => reject(refusal(request)));
      request.addEventListener("abort", () => reject(new Stopped()));
      request.send(part); // a place in the file and not its bytes: Chromium would keep those of requests that are long done
    });
    this.#requests.delete(number);
    this.#stored += part.size;
    this.#pause = FIRST_PAUSE_MILLISECONDS;
    this.#progress(number, 0);
  }

  #progress(number, sent) {
    const part = this.#requests.get(number);
    if (part) part.sent = sent;
    const now = performance.now();
    this.#samples = [...this.#samples.filter((sample) => now - sample.at < SPEED_MILLISECONDS), { at: now, sent: this.sent }];
    this.dispatchEvent(new Event("change"));
  }

  #startAfresh() {
    this.#tries = new Tries();
    this.#pause = FIRST_PAUSE_MILLISECONDS;
  }

  /** What S3 does not take from here, though the API answers, goes through the API from now on, which the card says. */
  #mayGoAnotherWay(error) {
    if (!(error instanceof StorageProblem)) return false;
    this.detour = true;
    this.#startAfresh();
    return true;
  }

  async #patience(error) {
    const { status, retryAfter } = error;
    this.#become(!status ? "offline" : error instanceof StorageProblem ? "refused" : "busy");
    const pause = Math.max((retryAfter ?? 0) * 1000, this.#pause);
    this.#pause = Math.min(LONGEST_PAUSE_MILLISECONDS, this.#pause * 2);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, pause);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      addEventListener("online", this.#wake, { once: true });
    });
  }

  #fail(error) {
    const said = error instanceof DOMException ? text.uploads.unreadable : error.message;
    this.failure = this.#tries.areUsedUp ? text.uploads.usedUp(said, MOST_TRIES) : said;
    this.#end("failed");
  }

  #stop(state) {
    this.#end(state);
    this.#stopRequests();
    this.#wake();
  }

  #end(state) {
    this.#wanted = false;
    this.#become(state);
  }

  #stopRequests() {
    this.#round += 1;
    for (const { request } of this.#requests.values()) request.abort();
    this.#requests.clear();
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}
