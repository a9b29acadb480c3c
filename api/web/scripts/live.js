// The account's uploads as the server tells them, live: one stream for the whole page, opened again by itself.

import { Problem, ask } from "./server.js";

/** A stream that is renewed after its ten minutes is away only for a moment: not worth a word. */
const QUIET_MILLISECONDS = 1500;
const ANSWER_MILLISECONDS = 5000;
const FIRST_PAUSE_MILLISECONDS = 1000;
const LONGEST_PAUSE_MILLISECONDS = 15000;
export const ENDED = new Set(["completed", "rejected", "failed", "expired", "cancelled"]);

class Live {
  #source = null;
  #uploads = new Map();
  #listeners = new Set();
  #connection = new Set();
  #state = "live";
  #pause = FIRST_PAUSE_MILLISECONDS;
  #timers = [];

  /** Begin to listen. */
  start() {
    this.stop();
    this.#uploads.clear();
    this.#open();
  }

  /** Stop listening, as when somebody signs out. */
  stop() {
    this.#source?.close();
    this.#source = null;
    this.#clearTimers();
  }

  /** Every upload that is known. */
  all() {
    return [...this.#uploads.values()];
  }

  /** One upload, or undefined. */
  get(id) {
    return this.#uploads.get(id);
  }

  /** What another answer of the server says of an upload; older than what is known, it changes nothing. */
  learn(upload) {
    const known = this.#uploads.get(upload.id);
    if (known && known.sequence > upload.sequence) return;
    this.#uploads.set(upload.id, { ...known, ...upload });
    this.#tell(upload.id, known);
  }

  /** Know nothing of an upload any more, since it was deleted. */
  forget(id) {
    this.#uploads.delete(id);
  }

  /** Be told of each change: `(upload, before)`. Returns a function that ends it. */
  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Be told whether the stream is there: `(state, before)`, "live" or "waiting". */
  onConnection(listener) {
    this.#connection.add(listener);
    return () => this.#connection.delete(listener);
  }

  #open() {
    const source = new EventSource("/v1/events");
    this.#source = source;
    source.addEventListener("open", () => {
      this.#clearTimers();
      this.#pause = FIRST_PAUSE_MILLISECONDS;
      this.#become("live");
    });
    source.addEventListener("snapshot", (event) => JSON.parse(event.data).uploads.forEach((upload) => this.learn(upload)));
    source.addEventListener("status", (event) => this.#status(JSON.parse(event.data)));
    source.addEventListener("progress", (event) => this.#progress(JSON.parse(event.data)));
    source.addEventListener("error", () => this.#failed(source));
  }

  #failed(source) {
    if (source !== this.#source) return;
    this.#timers.push(setTimeout(() => this.#missed(source), QUIET_MILLISECONDS));
    if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself, unless the server refused
    this.#timers.push(setTimeout(() => this.#reopen(), this.#pause));
    this.#pause = Math.min(LONGEST_PAUSE_MILLISECONDS, this.#pause * 2);
  }

  /** The stream is away for longer than a moment: the server is, or the session has ended, which this answer tells, and then nothing is waited for. */
  async #missed(source) {
    if (await hasEnded()) return;
    if (source === this.#source && source.readyState !== EventSource.OPEN) this.#become("waiting");
  }

  async #reopen() {
    if (await hasEnded()) return;
    if (this.#source) this.#open();
  }

  async #status(event) {
    const known = this.#uploads.get(event.upload_id);
    if (known && known.sequence >= event.sequence) return;
    if (known && !ENDED.has(event.status) && event.status !== "validated") {
      const { sequence, status, attempt } = event;
      this.learn({ ...known, sequence, status, attempt, failure: event.failure ?? null, progress: null, updated_at: event.occurred_at });
    } else {
      try {
        this.learn(await ask("GET", `/v1/uploads/${event.upload_id}`)); // what is new is more than the status
      } catch (error) {
        if (!(error instanceof Problem)) throw error; // a server that is away: the next snapshot has it
      }
    }
  }

  /** How an upload gets on in the status that it has; of one that is past, it is void. */
  #progress({ upload_id: id, sequence, progress }) {
    const known = this.#uploads.get(id);
    if (known?.sequence === sequence) this.learn({ ...known, progress });
  }

  #tell(id, before) {
    for (const listener of this.#listeners) listener(this.#uploads.get(id), before);
  }

  #become(state) {
    if (state === this.#state) return;
    const before = this.#state;
    this.#state = state;
    for (const listener of this.#connection) listener(state, before);
  }

  #clearTimers() {
    this.#timers.splice(0).forEach(clearTimeout);
  }
}

/** Whether the session has ended, as far as the server can be reached: one that hangs is not waited for. */
async function hasEnded() {
  try {
    await ask("GET", "/v1/session", undefined, AbortSignal.timeout(ANSWER_MILLISECONDS));
  } catch (error) {
    return error.status === 401;
  }
  return false;
}

export const live = new Live();
