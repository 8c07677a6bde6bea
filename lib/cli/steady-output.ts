import type { Writable } from "node:stream";

/**
 * Keeps a training alive when what it prints cannot be written (a full disk, a terminal that is gone): reported once, on the other
 * stream where that is possible, and not printed.
 */
export class SteadyOutput implements Disposable {
  readonly #listeners: readonly (readonly [Writable, (error: NodeJS.ErrnoException) => void])[];
  #reported = false;

  constructor(out: Writable, err: Writable) {
    const failed = (error: NodeJS.ErrnoException) => {
      // Whoever reads the output has stopped (`netrun train ... | head`): that is for bin/netrun.js to decide.
      if (error.code === "EPIPE" || this.#reported) return;
      this.#reported = true;
      err.write(`warning: cannot print at the moment, training continues: ${error.message}\n`);
    };
    this.#listeners = [
      [out, failed],
      [err, () => {}],
    ];
    for (const [stream, listener] of this.#listeners) stream.on("error", listener);
  }

  [Symbol.dispose](): void {
    // Errors of the last writes are told after them.
    setImmediate(() => {
      for (const [stream, listener] of this.#listeners) stream.off("error", listener);
    });
  }
}
