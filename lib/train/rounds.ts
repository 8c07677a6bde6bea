import { NetrunError } from "../error.js";
import { TrainingStopped } from "../engine/engine.js";
import {
  type BaselineEvent,
  type DoneEvent,
  type IterationEvent,
  type RoundEvent,
  type SyncIntervalEvent,
  type TrainEvent,
  warningEvent,
} from "./events.js";
import type { Schedule } from "./schedule.js";
import type { Snapshots } from "./snapshots.js";
import type { Solver } from "./solver.js";
import { notFiniteError, type Run } from "./trainer.js";

/** The event of a round. */
export function roundEvent(
  round: number,
  { losses, rows, roundTimes, iteration, lost, spread, shares }: Run,
): RoundEvent {
  const times = roundTimes!;
  return {
    kind: "round",
    round,
    iteration,
    iterations: losses.length,
    loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
    rows,
    imagesPerSecond: rows / (times.totalMs / 1000),
    ...(spread !== undefined && { spread }),
    times,
    ...(shares && { shares }),
    lost,
  };
}

/** Share of the time that averaging may take. */
const OVERHEAD = 0.05;
const LONGEST = 1000;
/** Iterations of the first rounds: one that compiles, and one that is measured. */
const TRIALS = [1, 5];

/**
 * The sync interval, given or found: the smallest with which sending and averaging take at most 5 % of the time,
 * tau = 19 * S / C for S ms of overhead and C ms an iteration, from a round of 5 iterations after one that compiles.
 */
export class IntervalFinder {
  readonly #trials: number[];
  #interval: number;

  constructor(interval: number | "auto") {
    this.#trials = interval === "auto" ? [...TRIALS] : [];
    this.#interval = interval === "auto" ? 1 : interval;
  }

  /** Iterations of the next round. */
  get next(): number {
    return this.#trials[0] ?? this.#interval;
  }

  /** Learns from a round; the event, once the interval is found. */
  see({ iteration, iterations, times }: RoundEvent): SyncIntervalEvent | undefined {
    if (this.#trials.length === 0) return undefined;
    this.#trials.shift();
    if (this.#trials.length > 0) return undefined;
    const overheadMs = times.sendMs + times.averageMs;
    const iterationMs = times.computeMs / iterations;
    this.#interval = Math.min(
      LONGEST,
      Math.max(1, Math.ceil(((1 - OVERHEAD) / OVERHEAD) * (overheadMs / iterationMs))),
    );
    return { kind: "sync-interval", iteration, interval: this.#interval, iterationMs, overheadMs };
  }
}

/** Time of a round over which the state of one replica stays on a device; iterations of the first two, which compile and are timed. */
const ROUND_MS = 4000;
const AHEAD = [1, 10];

/** The rounds of a run: one iteration each, or a sync interval of several replicas. */
export class Rounds {
  readonly #solver: Solver;
  readonly #schedule: Schedule;
  readonly #snapshots: Snapshots;
  readonly #interval: IntervalFinder;
  readonly #measuresBaseline: boolean;
  /** The iteration that the run began at. */
  readonly #first: number;
  #baseline: number | undefined;
  #runs = 0;
  #iterationMs = 0;
  /** Records skipped so far. */
  skipped = 0;
  #done = 0;
  #rows = 0;
  #ms = 0;

  constructor(solver: Solver, schedule: Schedule, snapshots: Snapshots, measuresBaseline: boolean) {
    this.#solver = solver;
    this.#schedule = schedule;
    this.#snapshots = snapshots;
    this.#interval = new IntervalFinder(solver.syncInterval);
    this.#measuresBaseline = measuresBaseline;
    this.#first = solver.iteration;
  }

  async *measureBaseline(): AsyncGenerator<BaselineEvent> {
    if (!this.#measuresBaseline) return;
    this.#baseline = await this.#solver.baseline(BASELINE_ITERATIONS);
    yield { kind: "baseline", iteration: this.#solver.iteration, imagesPerSecond: this.#baseline };
  }

  /** Iterations of the next round; several of one replica take no longer than somebody waits for the next line or for an end. */
  #iterations(): number {
    const { iterationsAhead } = this.#solver;
    if (iterationsAhead === 1) return this.#schedule.roundOf(this.#interval.next);
    const timely = AHEAD[this.#runs] ?? Math.max(1, Math.floor(ROUND_MS / this.#iterationMs));
    return this.#schedule.roundUpTo(Math.min(iterationsAhead, timely));
  }

  /**
   * The next round, as events. Throws NetrunError, naming the last snapshot, if a number is not finite, and, after a snapshot, if
   * replicas fail again and again or the data cannot be read any more.
   */
  async *next(): AsyncGenerator<TrainEvent> {
    const { iteration } = this.#solver;
    const count = this.#iterations();
    let run: Run;
    try {
      const started = performance.now();
      // Gradients are looked at where they go into snapshots.
      run = await this.#solver.run(count, undefined, !this.#solver.parameter.snapshot_diff);
      if (this.#runs++ > 0) this.#iterationMs = (performance.now() - started) / count;
    } catch (error) {
      yield* this.#snapshots.finish();
      if (error instanceof TrainingStopped || this.#losesSomething(error)) yield* this.#snapshots.takeLast();
      throw error;
    }
    this.skipped = run.skipped ?? 0;
    for (const i of run.losses.keys()) {
      const statistics = run.debug?.get(iteration + i);
      if (statistics) yield { kind: "statistics", iteration: iteration + i, ...statistics };
      const layers = run.layers?.get(iteration + i);
      if (layers) yield { kind: "layer-statistics", iteration: iteration + i, ...layers };
      yield iterationEvent(run, iteration, i, this.#schedule.isDisplayed(iteration + i));
    }
    if (run.threads) yield { kind: "threads", iteration: iteration + run.losses.length, ...run.threads };
    if (run.notFinite !== undefined) {
      yield* this.#snapshots.finish();
      const notes = this.#snapshots.last ? [`the last snapshot is ${this.#snapshots.last}`] : [];
      throw notFiniteError(run.notFinite, iteration + run.losses.length, ...notes);
    }
    if (!run.roundTimes) return;
    const event = roundEvent(++this.#done, run);
    if (this.#done > 1) {
      this.#rows += event.rows;
      this.#ms += event.times.totalMs;
    }
    yield* event.lost.map((lost) => ({
      kind: "replica-lost" as const,
      iteration: event.iteration,
      round: event.round,
      ...lost,
    }));
    yield event;
    const found = this.#interval.see(event);
    if (!found) return;
    yield found;
    yield* this.#solver.partitionWarnings(found.interval).map((each) => warningEvent(found.iteration, each));
  }

  /** Tests whether iterations would be lost with an error that comes from outside: data that cannot be read any more. */
  #losesSomething(error: unknown): boolean {
    const { iteration } = this.#solver;
    const isNew = iteration > this.#first && iteration !== this.#snapshots.lastIteration;
    return error instanceof NetrunError && this.#schedule.writesSnapshots && isNew;
  }

  /** Speed of rounds, in the done event. */
  get speed(): Pick<DoneEvent, "imagesPerSecond" | "speedUp"> {
    if (this.#ms === 0) return {};
    const imagesPerSecond = this.#rows / (this.#ms / 1000);
    return { imagesPerSecond, ...(this.#baseline && { speedUp: imagesPerSecond / this.#baseline }) };
  }
}

/** Iterations that a baseline is measured over: enough to even out a slow one. */
const BASELINE_ITERATIONS = 10;

/** Iteration `i` of a run that began at iteration `start`. */
function iterationEvent(run: Run, start: number, i: number, isDisplayed: boolean): IterationEvent {
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
    display: isDisplayed,
    outputs: Object.fromEntries(
      Object.entries(run.outputs.get(iteration) ?? {}).map(([name, values]) => [name, [...values]]),
    ),
  };
}
