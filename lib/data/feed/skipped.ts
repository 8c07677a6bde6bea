import type { NetrunError } from "../../error.js";
import type { Feed } from "./feed-spec.js";

/** Counts and reports the records that a feed leaves out. */
export class Skipped {
  #state: Feed["skipped"] = { count: 0 };

  get state(): Feed["skipped"] {
    return this.#state;
  }

  add(error: NetrunError): void {
    const count = this.#state.count + 1;
    const text = error.file === undefined ? error.message : `${error.file}: ${error.message}`;
    this.#state = { count, last: text };
    // Of many, the first and every tenth power: they are to be noticed, not to drown everything else.
    if (Number.isInteger(Math.log10(count)))
      process.emitWarning(`${text} (rows skipped so far: ${count})`, "BadRecord");
  }
}
