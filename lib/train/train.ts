import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { type Times, TrainingStopped } from "../engine/engine.js";
import { checkOptions } from "../options/option.js";
import { COURSE } from "../options/training.js";
import { metricOf, observeScores } from "./best.js";
import { type BaselineEvent, IntervalFinder, type RoundEvent, roundEvent, type SyncIntervalEvent } from "./rounds.js";
import type { SnapshotPaths } from "./snapshot.js";
import { notFiniteError, type Run, type Solver } from "./solver.js";

/** What a training run tells while it goes on. */
export type TrainEvent =
  | IterationEvent
  | TestEvent
  /** After the last iteration: the smoothed loss with that of the batch that would come next; undefined where it is not finite. */
  | { readonly kind: "loss"; readonly iteration: number; readonly smoothedLoss: number | undefined }
  | { readonly kind: "snapshot"; readonly iteration: number; readonly paths: SnapshotPaths }
  /** A snapshot could not be written; training goes on, and the next one is tried. */
  | { readonly kind: "snapshot-failed"; readonly iteration: number; readonly error: Error }
  /** A test has found the best score so far, and its weights are kept. */
  | {
      readonly kind: "best";
      readonly iteration: number;
      readonly metric: string;
      readonly value: number;
      readonly path: string;
    }
  | RoundEvent
  | SyncIntervalEvent
  | BaselineEvent
  | DoneEvent;

/** Training is over. */
export interface DoneEvent {
  readonly kind: "done";
  readonly iteration: number;
  readonly stopped: Stopped | undefined;
  /** Records of the training data that were left out because they could not be used, counted each time that they came. */
  readonly skipped: number;
  /** Images per second of all replicas together, over all rounds but the first, which compiles; where several trained. */
  readonly imagesPerSecond?: number | undefined;
  /** How many times as many that is as of one replica alone, where `baseline` was asked for. */
  readonly speedUp?: number | undefined;
}

/** Why training ended before max_iter. */
export type Stopped = "asked" | "early-stop" | "max-time";

/** One iteration is done. */
export interface IterationEvent {
  readonly kind: "iteration";
  /** Updates done before it: Caffe's number of the iteration. */
  readonly iteration: number;
  readonly loss: number;
  /** Mean of the last `average_loss` losses. */
  readonly smoothedLoss: number;
  readonly rate: number;
  readonly rows: number;
  readonly times: Times;
  /** Whether the solver's `display` names this iteration; then `outputs` has the train net's output blobs. */
  readonly display: boolean;
  readonly outputs: Readonly<Record<string, Float32Array>>;
  /** What debug_info shows of it. */
  readonly debug: readonly string[];
}

/** A test pass of one test net is done. */
export interface TestEvent {
  readonly kind: "test";
  readonly iteration: number;
  /** Index of the test net. */
  readonly net: number;
  /** Means of its output blobs. */
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly loss: number;
}

/** What a caller may ask of a running training between two iterations, as Caffe's signals do. */
export type Action = "none" | "snapshot" | "stop";

export interface TrainOptions {
  /** Asked after every iteration. */
  readonly action?: () => Action;
  /** Called while a test pass goes on, with the batches that are done. */
  readonly testProgress?: (done: number, total: number) => void;
  /** Training stops after this time. */
  readonly maxTimeMs?: number | undefined;
  /** Training stops when this score of tests (see `metricOf`) has not become better for `patience` tests. */
  readonly earlyStop?: string | undefined;
  /** Tests without a better score before `earlyStop` stops. Default 5. */
  readonly patience?: number | undefined;
  /** The weights with the best score so far are kept in PREFIX_best.caffemodel. */
  readonly keepBest?: string | undefined;
  /** Whether one replica is measured alone before the training of several. */
  readonly baseline?: boolean | undefined;
}

/** A snapshot that failed is tried again after this time, if no other is due before. */
const RETRY_MS = 30_000;

/**
 * Trains a solver to its max_iter, testing, displaying and writing snapshots when its settings say so, in the order that Caffe
 * does it: test, iteration, display, update, snapshot. Ending the loop over the events ends the training. Throws NetrunError
 * before the first iteration where snapshots cannot be written, and when what is computed is not finite any more.
 */
export async function* train(solver: Solver, options: TrainOptions = {}): AsyncGenerator<TrainEvent, void> {
  checkOptions(COURSE, options);
  const { parameter } = solver;
  const { test_interval, test_initialization, snapshot, snapshot_after_train, max_iter, display } = parameter;
  if (snapshot > 0 || snapshot_after_train || options.keepBest !== undefined) solver.checkSnapshots();
  const watch = watchOf(solver, options);
  const snapshots = new Snapshots(solver);
  const rounds = new Rounds(solver, snapshots, options.baseline ?? false);
  yield* rounds.measureBaseline();
  const deadlineMs = performance.now() + (options.maxTimeMs ?? Number.POSITIVE_INFINITY);
  let stopped: Stopped | undefined;
  // Rounds of several iterations pass over the iterations that are due for something.
  let before = solver.iteration - 1;
  while (solver.iteration < max_iter && !stopped) {
    const { iteration } = solver;
    if (isPassed(test_interval, before, iteration) && (iteration > 0 || test_initialization)) {
      yield* testAll(solver, watch, options);
      if (watch.isOver()) {
        stopped = "early-stop";
        break;
      }
    }
    yield* rounds.next();
    before = iteration;
    // Signals and timers get their turn: runs of a model do not give them one.
    await setImmediate();
    const action = options.action?.() ?? "none";
    const due = isPassed(snapshot, before, solver.iteration);
    if (action === "snapshot" || due || snapshots.isRetryDue()) yield await snapshots.take();
    if (action === "stop") stopped = "asked";
    else if (performance.now() >= deadlineMs) stopped = "max-time";
  }
  const { iteration } = solver;
  if (snapshot_after_train && snapshots.lastIteration !== iteration) yield* snapshots.takeLast();
  if (!stopped && display > 0 && iteration % display === 0) {
    yield { kind: "loss", iteration, smoothedLoss: await solver.lossAhead() };
  }
  if (!stopped && isPassed(test_interval, before, iteration)) yield* testAll(solver, watch, options);
  yield { kind: "done", iteration, stopped, skipped: rounds.skipped, ...rounds.speed };
}

/** Whether a multiple of an interval is above one iteration and not above another; 0 has none. */
const isPassed = (interval: number, above: number, upTo: number): boolean =>
  interval > 0 && Math.floor(upTo / interval) > Math.floor(above / interval);

/** The rounds of a run: one iteration each, or a sync interval of several replicas. */
class Rounds {
  readonly #solver: Solver;
  readonly #snapshots: Snapshots;
  readonly #interval: IntervalFinder;
  readonly #measuresBaseline: boolean;
  #baseline: number | undefined;
  /** Records left out so far. */
  skipped = 0;
  #done = 0;
  #rows = 0;
  #ms = 0;

  constructor(solver: Solver, snapshots: Snapshots, measuresBaseline: boolean) {
    this.#solver = solver;
    this.#snapshots = snapshots;
    this.#interval = new IntervalFinder(solver.syncInterval);
    this.#measuresBaseline = measuresBaseline;
  }

  async *measureBaseline(): AsyncGenerator<BaselineEvent> {
    if (!this.#measuresBaseline) return;
    this.#baseline = await this.#solver.baseline(BASELINE_ITERATIONS);
    yield { kind: "baseline", iteration: this.#solver.iteration, imagesPerSecond: this.#baseline };
  }

  /**
   * The next round, as events. Throws NetrunError, naming the last snapshot, if a number is not finite, and, after a snapshot, if
   * replicas fail again and again.
   */
  async *next(): AsyncGenerator<TrainEvent> {
    const { iteration, parameter } = this.#solver;
    const count = Math.min(this.#interval.next, parameter.max_iter - iteration);
    let run: Run;
    try {
      run = await this.#solver.run(count);
    } catch (error) {
      if (error instanceof TrainingStopped) yield* this.#snapshots.takeLast();
      throw error;
    }
    this.skipped = run.skipped ?? 0;
    yield* run.losses.map((_, i) => iterationEvent(run, iteration, i, parameter.display));
    if (run.notFinite !== undefined) {
      const notes = this.#snapshots.last ? [`the last snapshot is ${this.#snapshots.last}`] : [];
      throw notFiniteError(run.notFinite, iteration + run.losses.length, ...notes);
    }
    if (!run.roundTimes) return;
    const event = roundEvent(++this.#done, run);
    if (this.#done > 1) {
      this.#rows += event.rows;
      this.#ms += event.times.totalMs;
    }
    yield event;
    const found = this.#interval.see(event);
    if (!found) return;
    yield found;
    this.#solver.checkPartitions(found.interval);
  }

  /** What the done event says of the rounds' speed. */
  get speed(): Pick<DoneEvent, "imagesPerSecond" | "speedUp"> {
    if (this.#ms === 0) return {};
    const imagesPerSecond = this.#rows / (this.#ms / 1000);
    return { imagesPerSecond, ...(this.#baseline && { speedUp: imagesPerSecond / this.#baseline }) };
  }
}

/** Iterations that a baseline is measured over: enough to even out a slow one. */
const BASELINE_ITERATIONS = 10;

/** Iteration `i` of a run that began at iteration `start`. */
function iterationEvent(run: Run, start: number, i: number, display: number): IterationEvent {
  const iteration = start + i;
  const { dataWaitMs, gradientMs, updateMs } = run.times;
  const count = run.losses.length;
  return {
    kind: "iteration",
    iteration,
    loss: run.losses[i]!,
    smoothedLoss: run.smoothedLosses[i]!,
    rate: run.rates[i]!,
    rows: run.rows / count,
    times: { dataWaitMs: dataWaitMs / count, gradientMs: gradientMs / count, updateMs: updateMs / count },
    display: display > 0 && iteration % display === 0,
    outputs: run.outputs.get(iteration) ?? {},
    debug: run.debug?.get(iteration) ?? [],
  };
}

/** What tests are watched for. */
interface Watch {
  see(event: TestEvent): Promise<TrainEvent | undefined>;
  /** Whether the score has not become better for long enough. */
  isOver(): boolean;
}

function watchOf(solver: Solver, { earlyStop, keepBest, patience = 5 }: TrainOptions): Watch {
  const stop = earlyStop === undefined ? undefined : metricOf(earlyStop, solver);
  const keep = keepBest === undefined ? undefined : metricOf(keepBest, solver);
  return {
    async see({ iteration, outputs }) {
      const isBest = keep && observeScores(solver.bests, keep, outputs);
      if (stop && stop.name !== keep?.name) observeScores(solver.bests, stop, outputs);
      if (!isBest) return undefined;
      const path = `${solver.snapshotPrefix}_best.caffemodel`;
      try {
        await solver.net.save(path);
        return { kind: "best", iteration, metric: keep.name, value: outputs[keep.name]![0]!, path };
      } catch (error) {
        return { kind: "snapshot-failed", iteration, error: error as Error };
      }
    },
    isOver: () => stop !== undefined && (solver.bests.get(stop.name)?.tests ?? 0) >= patience,
  };
}

async function* testAll(solver: Solver, watch: Watch, options: TrainOptions): AsyncGenerator<TrainEvent> {
  for (const net of solver.tests.keys()) {
    const { outputs, loss } = await solver.scores(net, options.testProgress);
    const event = { kind: "test" as const, iteration: solver.iteration, net, outputs, loss };
    yield event;
    const best = await watch.see(event);
    if (best) yield best;
  }
}

/** The snapshots of a run: a failure is told, and tried again later. */
class Snapshots {
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

  async take(prefix?: string): Promise<TrainEvent> {
    const { iteration } = this.#solver;
    try {
      const paths = await this.#solver.snapshot(prefix);
      this.last = paths.state;
      this.lastIteration = iteration;
      this.#failedMs = undefined;
      return { kind: "snapshot", iteration, paths };
    } catch (error) {
      this.#failedMs = performance.now();
      return { kind: "snapshot-failed", iteration, error: error as Error };
    }
  }

  /** The snapshot at the end: where it cannot be written, one in the folder for temporary files, so that the run is not lost. */
  async *takeLast(): AsyncGenerator<TrainEvent> {
    const event = await this.take();
    yield event;
    if (event.kind === "snapshot-failed") yield await this.take(join(tmpdir(), basename(this.#solver.snapshotPrefix)));
  }
}
