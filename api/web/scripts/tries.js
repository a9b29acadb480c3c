// How often sending a file may come to nothing before it stops: the rule is that of the Python client (docs/uploads.md).

import { StorageProblem } from "./part_ways.js";
import { Problem, passes } from "./server.js";

/** So often something may fail that passes by itself. */
export const MOST_TRIES = 10;
/** So often what waiting does not mend: an address may have lapsed, bytes may have been damaged on their way or be gone at S3. */
const MOST_REFUSALS = 2;
const MENDED_BY_SENDING = new Set(["digest-mismatch", "parts-missing", "parts-differ"]);

/** What came to nothing since the step it belongs to last succeeded. */
export class Tries {
  #failed = new Map();

  /** What `work` gives; where it fails that counts, beside how often this step has failed before. */
  async of(step, work) {
    try {
      const done = await work();
      this.#failed.delete(step);
      return done;
    } catch (error) {
      if (isRefusal(error) || isPassing(error)) this.#failed.set(step, [...(this.#failed.get(step) ?? []), error]);
      throw error;
    }
  }

  /** Whether the same may be tried again after this error. Without a connection there is no end to it: it comes back. */
  areLeft(error) {
    if (isRefusal(error)) return this.#count(isRefusal) < MOST_REFUSALS;
    return isOffline(error) || (isPassing(error) && !this.areUsedUp);
  }

  /** Whether what passes has not passed. */
  get areUsedUp() {
    return this.#count(isPassing) >= MOST_TRIES;
  }

  #count(kind) {
    return [...this.#failed.values()].flat().filter(kind).length;
  }
}

const isRefusal = (error) => error instanceof StorageProblem || MENDED_BY_SENDING.has(error.name);
const isOffline = (error) => error instanceof Problem && error.status === 0;
const isPassing = (error) => error instanceof Problem && passes(error.status);
