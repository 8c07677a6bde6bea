import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { SnapshotEvent, SnapshotFailedEvent } from "./events.js";
import type { Solver } from "./solver.js";

/** A snapshot that failed is tried again after this time, if no other is due before. */
const RETRY_MS = 30_000;

/** The snapshots of a run: a failure is reported, and tried again later. */
export class Snapshots {
  readonly #solver: Solver;
  /** Path of the last solverstate that was written. */
  last: string | undefined;
  lastIteration = -1;
  #failedMs: number | undefined;

  constructor(solver: Solver) {
    this.#solver = solver;
  }

  isRetryDue(): boolean {
    return this.#failedMs !== undefined && performance.now() - this.#failedMs >= RETRY_MS;
  }

  async take(prefix?: string): Promise<SnapshotEvent | SnapshotFailedEvent> {
    const { iteration } = this.#solver;
    try {
      const paths = await this.#solver.snapshot(prefix);
      this.last = paths.state;
      this.lastIteration = iteration;
      this.#failedMs = undefined;
      return { kind: "snapshot", iteration, paths };
    } catch (error) {
      this.#failedMs = performance.now();
      return snapshotFailed(iteration, error);
    }
  }

  /** The snapshot at the end: where it cannot be written, one in the folder for temporary files, so that the run is not lost. */
  async *takeLast(): AsyncGenerator<SnapshotEvent | SnapshotFailedEvent> {
    const event = await this.take();
    yield event;
    if (event.kind === "snapshot-failed") yield await this.take(join(tmpdir(), basename(this.#solver.snapshotPrefix)));
  }
}

/** The event of a snapshot that could not be written. */
export const snapshotFailed = (iteration: number, error: unknown): SnapshotFailedEvent => ({
  kind: "snapshot-failed",
  iteration,
  error: { message: (error as Error).message },
});
