// The files that are to be sent: two at a time, in the order in which they were added.

import { forget, remember, remembered, sameFile } from "./fingerprints.js";
import { TURNING } from "./formats.js";
import { live } from "./live.js";
import { Sending } from "./sending.js";
import { Problem, ask } from "./server.js";
import { text } from "./text.js";

const FILES_AT_ONCE = 2;
/** What still waits for its content. */
const OPEN = new Set(["created", "uploading"]);
const MOVING = new Set(["checking", "sending", "offline", "busy", "refused", "finishing"]);
const LONGEST_NAME = 255;
const NOT_SENT = new RegExp(`[\\u0000-\\u001f${TURNING}]`, "g");
/** What is a media type to the server; browsers name some files otherwise. */
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+$/;

class Queue extends EventTarget {
  #accountId = null;
  #sendings = [];
  #elsewhere = new Set();

  /** Begin for an account; what it has left unfinished in this browser is found by `interrupted`. */
  start(accountId) {
    this.#accountId = accountId;
    this.#lookElsewhere();
  }

  /** Stop everything, as when somebody signs out; it can go on later. */
  stop() {
    this.#sendings.splice(0).forEach((sending) => sending.pause());
    this.#accountId = null;
  }

  /** The files of this page that are not complete. */
  get sendings() {
    return this.#sendings;
  }

  /** The uploads that this browser has left unfinished: each waits for its file to be chosen again. */
  get interrupted() {
    if (!this.#accountId) return [];
    const here = new Set([...this.#elsewhere, ...this.#sendings.map((sending) => sending.upload.id)]);
    return Object.keys(remembered(this.#accountId))
      .map((id) => live.get(id))
      .filter((upload) => upload && OPEN.has(upload.status) && !here.has(upload.id));
  }

  /** Announce files and send them; one that was interrupted goes on. Problem where some are refused; the others are sent all the same. */
  async add(files, { captions = false } = {}) {
    const refused = [];
    for (const file of files) {
      const begun = this.interrupted.find((upload) => sameFile(remembered(this.#accountId)[upload.id], file));
      try {
        this.#enqueue(file, begun ?? (await this.#announce(file, captions)));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        refused.push(error.message);
      }
    }
    if (refused.length) throw new Problem(0, { detail: [...new Set(refused)].join(" ") });
  }

  /** Go on with an interrupted upload; false if this is another file than its. */
  goOn(upload, file) {
    const known = remembered(this.#accountId)[upload.id];
    if (file.name !== known.name || file.size !== known.bytes || file.lastModified !== known.modified) return false;
    this.#enqueue(file, upload);
    return true;
  }

  /** Send on what was paused or has failed. */
  resume(sending) {
    sending.state = "waiting";
    this.#proceed();
  }

  /** Give up an upload, whether it is being sent here or was interrupted. */
  async cancel(uploadId) {
    const sending = this.#sendings.find((one) => one.upload.id === uploadId);
    sending?.cancel();
    this.#remove(uploadId);
    live.learn(await ask("POST", `/v1/uploads/${uploadId}/cancel`));
  }

  async #announce(file, captions) {
    if (!file.size) throw new Problem(0, { detail: `${file.name}: ${text.uploads.empty}` });
    const upload = await ask("POST", "/v1/uploads", {
      filename: plainName(file.name),
      bytes: file.size,
      ...(MEDIA_TYPE.test(file.type) ? { content_type: file.type } : {}),
      options: { captions },
    });
    remember(this.#accountId, upload.id, file);
    live.learn(upload);
    return upload;
  }

  #enqueue(file, upload) {
    const sending = new Sending(file, upload);
    sending.addEventListener("change", () => this.#changed(sending));
    this.#sendings.push(sending);
    this.#proceed();
  }

  #changed(sending) {
    if (sending.state === "done") {
      this.#remove(sending.upload.id);
      live.learn(sending.upload);
    }
    if (!MOVING.has(sending.state)) this.#proceed();
    this.dispatchEvent(new Event("change"));
  }

  #remove(uploadId) {
    forget(this.#accountId, uploadId);
    this.#sendings = this.#sendings.filter((one) => one.upload.id !== uploadId);
    this.dispatchEvent(new Event("change"));
  }

  #proceed() {
    const moving = this.#sendings.filter((sending) => MOVING.has(sending.state)).length;
    for (const sending of this.#sendings.filter((one) => one.state === "waiting").slice(0, Math.max(0, FILES_AT_ONCE - moving))) {
      sending.state = "checking";
      // The lock tells other tabs that this one sends it; it ends with the sending, or with the tab.
      navigator.locks.request(lockOf(sending.upload.id), () => sending.run());
    }
    this.dispatchEvent(new Event("change"));
  }

  async #lookElsewhere() {
    const { held } = await navigator.locks.query();
    const own = new Set(this.#sendings.map((sending) => lockOf(sending.upload.id)));
    this.#elsewhere = new Set(held.map((lock) => lock.name).filter((name) => !own.has(name)).map((name) => name.replace("upload ", "")));
    this.dispatchEvent(new Event("change"));
  }
}

const lockOf = (uploadId) => `upload ${uploadId}`;

/** The name as the server takes it: no control characters, none that turn the reading direction around, not too long, its ending kept. */
function plainName(name) {
  const plain = name.replace(NOT_SENT, "_");
  const ending = plain.slice(Math.max(0, plain.lastIndexOf("."))).slice(0, 16);
  return plain.length <= LONGEST_NAME ? plain : plain.slice(0, LONGEST_NAME - ending.length) + ending;
}

export const queue = new Queue();
addEventListener("beforeunload", (event) => queue.sendings.some(({ state }) => MOVING.has(state)) && event.preventDefault());
