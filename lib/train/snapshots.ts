import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { SnapshotEvent, SnapshotFailedEvent } from "./events.js";
import type { Solver } from "./solver.js";

/** A snapshot that failed is tried again after this time, if no other is due before. */
const RETRY_MS = 30_000;

type Outcome = SnapshotEvent | SnapshotFailedEvent;

/**
 * The snapshots of a run: a failure is reported, and tried again later. A large one is written while training goes on; its event comes
 * when it is on disk, and before that of any later snapshot.
 */
export class Snapshots implements AsyncDisposable {
  readonly #solver: Pick<Solver, "iteration" | "snapshotPrefix" | "startSnapshot">;
  /** Path of the last solverstate that was written. */
  last: string | undefined;
  lastIteration = -1;
  #failedMs: number | undefined;
  /** Settles when the outcome is there. */
  #writing: Promise<void> | undefined;
  #outcome: Outcome | undefined;

  constructor(solver: Pick<Solver, "iteration" | "snapshotPrefix" | "startSnapshot">) {
    this.#solver = solver;
  }

  isRetryDue(): boolean {
    return this.#failedMs !== undefined && performance.now() - this.#failedMs >= RETRY_MS;
  }

  /** Takes a snapshot, after the one before is written. */
  async *take(prefix?: string): AsyncGenerator<Outcome> {
    yield* this.finish();
    const { iteration } = this.#solver;
    this.#failedMs = undefined;
    const starting = this.#solver.startSnapshot(prefix);
    this.#writing = starting
      .then(({ written }) => written)
      .then(
        (paths) => {
          this.#outcome = { kind: "snapshot", iteration, paths };
        },
        (error: unknown) => {
          this.#outcome = snapshotFailed(iteration, error);
        },
      );
    const isAside = await starting.then(
      (started) => started.isAside,
      () => false,
    );
    if (!isAside) yield* this.finish();
  }

  /** The event of a snapshot that was written, or has failed, since the last call. */
  *written(): Generator<Outcome> {
    const outcome = this.#outcome;
    if (!outcome) return;
    this.#outcome = undefined;
    this.#writing = undefined;
    if (outcome.kind === "snapshot") {
      this.last = outcome.paths.state;
      this.lastIteration = outcome.iteration;
    } else this.#failedMs = performance.now();
    yield outcome;
  }

  /** Waits for the snapshot that is being written; its event. */
  async *finish(): AsyncGenerator<Outcome> {
    await this.#writing;
    yield* this.written();
  }

  /** The snapshot at the end: where it cannot be written, one in the folder for temporary files, so that the run is not lost. */
  async *takeLast(): AsyncGenerator<Outcome> {
    for (const prefix of [undefined, join(tmpdir(), basename(this.#solver.snapshotPrefix))]) {
      yield* this.take(prefix);
      yield* this.finish();
      if (this.lastIteration === this.#solver.iteration) return;
    }
  }

  /** Waits until nothing is being written any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
  }
}

/** The event of a snapshot that could not be written. */
export const snapshotFailed = (iteration: number, error: unknown): SnapshotFailedEvent => ({
  kind: "snapshot-failed",
  iteration,
  error: { message: (error as Error).message },
});
