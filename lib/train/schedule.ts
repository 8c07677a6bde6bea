import type { SolverParameter } from "../caffe/messages.js";

/** The fields of a solver that say when something happens. */
export type ScheduleFields = Pick<
  SolverParameter,
  "max_iter" | "test_interval" | "test_initialization" | "display" | "snapshot" | "snapshot_after_train"
>;

/**
 * When a training tests, displays, snapshots and ends, by Caffe's rules. Rounds of several iterations pass over the iterations that
 * are due for something, which then happens after the round. Source: Solver::Step and Solver::Solve of Caffe.
 */
export class Schedule {
  readonly #fields: ScheduleFields;
  /** The iteration that the last round began at; the one before the first, so that the first is not passed over. */
  #from: number;
  #at: number;

  /**
   * A schedule of a training that starts at an iteration. Where rounds of `interval` iterations lead to it, a run stopped there did
   * what the last of them passed over no more, and one that resumes it does so first.
   */
  constructor(fields: ScheduleFields, start: number, interval = 1) {
    this.#fields = fields;
    this.#from = start - (start % interval === 0 ? interval : 1);
    this.#at = start;
  }

  /** A round ended: `iteration` updates are done. */
  reach(iteration: number): void {
    this.#from = this.#at;
    this.#at = iteration;
  }

  /** True if all iterations are done. */
  get isOver(): boolean {
    return this.#at >= this.#fields.max_iter;
  }

  /** Iterations of a round that would have `wanted`: no more than are left. */
  roundOf(wanted: number): number {
    return Math.min(wanted, this.#fields.max_iter - this.#at);
  }

  /** Iterations of a round that passes over nothing: it ends where a test or a snapshot is due, and after an iteration that is displayed. */
  roundUpTo(wanted: number): number {
    const { test_interval, snapshot, display } = this.#fields;
    const until = (interval: number, at: number) =>
      interval > 0 ? interval - (at % interval) : Number.POSITIVE_INFINITY;
    const untilShown = display > 0 && this.isDisplayed(this.#at) ? 1 : 1 + until(display, this.#at);
    return Math.min(this.roundOf(wanted), until(test_interval, this.#at), until(snapshot, this.#at), untilShown);
  }

  /** True if to test before the next iteration; before the first one only with test_initialization. */
  get isTestDue(): boolean {
    return this.#passed(this.#fields.test_interval) && (this.#at > 0 || this.#fields.test_initialization);
  }

  /** True if to snapshot after the last round. */
  get isSnapshotDue(): boolean {
    return this.#passed(this.#fields.snapshot);
  }

  /** Tests whether to show an iteration, or the loss after the last one. */
  isDisplayed(iteration: number): boolean {
    const { display } = this.#fields;
    return display > 0 && iteration % display === 0;
  }

  /** Tests whether to snapshot when training ends, where the last snapshot was of an iteration. */
  needsLastSnapshot(snapshotted: number): boolean {
    return this.#fields.snapshot_after_train && snapshotted !== this.#at;
  }

  /** True if to show the loss after the last iteration. */
  get isLossDue(): boolean {
    return this.isDisplayed(this.#at);
  }

  /** True if to test after the last iteration. */
  get isLastTestDue(): boolean {
    return this.#passed(this.#fields.test_interval);
  }

  /** True if any snapshot is written unasked. */
  get writesSnapshots(): boolean {
    return this.#fields.snapshot > 0 || this.#fields.snapshot_after_train;
  }

  /** Tests whether the last round came to a multiple of an interval or passed one; 0 has none. */
  #passed(interval: number): boolean {
    return interval > 0 && Math.floor(this.#at / interval) > Math.floor(this.#from / interval);
  }
}
