import { NetrunError } from "./error.js";

/**
 * The lifetime of an object that is disposed: its calls are done one after the other, in the order in which they were made, and
 * those that come after its end are refused with the same error everywhere.
 */
export class Lifetime {
  readonly #what: string;
  #last: Promise<unknown> = Promise.resolve();
  #isOver = false;
  #isAborted = false;

  /** `what` names the object in the error: "net", "solver". */
  constructor(what: string) {
    this.#what = what;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Throws NetrunError once the object is disposed. */
  check(): void {
    if (this.#isOver) throw this.error();
  }

  /** The error of a call that comes after the end, or that the end has cut short. */
  error(cause?: unknown): NetrunError {
    return new NetrunError(`the ${this.#what} was disposed`, {
      notes: ["load or open another one; `await using` disposes at the end of its block"],
      cause,
    });
  }

  /** Makes a call after those before it. Rejects with NetrunError if the object is disposed until its turn comes. */
  run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#isOver) return Promise.reject(this.error());
    const result = this.#last.then(async () => {
      this.check();
      try {
        return await call();
      } catch (cause) {
        // What an abort cuts short fails in its own words.
        throw this.#isAborted ? this.error(cause) : cause;
      }
    });
    this.#last = result.catch(() => {});
    return result;
  }

  /** Ends the object's life, once: refuses calls from now on, waits for the one under way, then calls `close`. */
  async end(close: () => Promise<void>): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#last;
    await close();
  }

  /** Ends it without waiting for the call under way, which is then to reject with `error`. */
  async abort(close: () => Promise<void>): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isAborted = true;
    await close();
  }
}
