import { checkpointOf, type TrainingState } from "./checkpoint.js";
import { isWrittenAside, writeCheckpointAside } from "./checkpoint-thread.js";
import type { SolverParts } from "./load-solver.js";
import type { SnapshotPaths } from "./snapshot.js";

/** A snapshot whose values are copied. */
export interface SnapshotWriting {
  /** True if it is being written by a thread of its own; else it is written, or has failed. */
  readonly isAside: boolean;
  /** The files, once they are written. Rejects with NetrunError if one cannot be. */
  readonly written: Promise<SnapshotPaths>;
}

/** Writes a training's snapshots, one after the other. */
export class SnapshotWriter {
  readonly #parts: SolverParts;
  /** The snapshot that is being written. */
  #writing: Promise<unknown> = Promise.resolve();

  constructor(parts: SolverParts) {
    this.#parts = parts;
  }

  /** Starts one of the training's state, as it is once the one before is written. */
  async start(prefix: string, stateNow: () => Promise<TrainingState>): Promise<SnapshotWriting> {
    // Each has a copy of all values: no more than one at a time.
    await this.#writing;
    const checkpoint = checkpointOf(prefix, this.#parts, await stateNow());
    const isAside = isWrittenAside(checkpoint);
    const written = writeCheckpointAside(checkpoint).then(() => checkpoint.paths);
    // Its failure is for who waits for it.
    this.#writing = written.catch(() => {});
    if (!isAside) await this.#writing;
    return { isAside, written };
  }
}
