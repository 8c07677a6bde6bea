import type { Net, Tensors } from "../api/net.js";
import type { From } from "../caffe/load.js";
import type { SolverParameter } from "../caffe/messages.js";
import type { Engine, Round, Scores } from "../engine/engine.js";
import { openEngine } from "../engine/open.js";
import { meanScores } from "../engine/reports.js";
import { NetrunError } from "../error.js";
import { Lifetime } from "../lifetime.js";
import { LearningRate } from "../optim/rate.js";
import { updateRules } from "../optim/rules.js";
import { checkNumber, countOrNone, countRange } from "../options/number.js";
import type { TestShape } from "../run/compile.js";
import type { Weights } from "../run/weights.js";
import { checkpointOf, readCheckpoint } from "./checkpoint.js";
import { isWrittenAside, writeCheckpointAside } from "./checkpoint-thread.js";
import type { StartEvent } from "./events.js";
import { loadSolverParts, type SolverOptions, type SolverParts } from "./load-solver.js";
import type { MemoryEstimate } from "./memory.js";
import { isParallel, partitionWarnings } from "./parallel.js";
import type { Best } from "./side-state.js";
import { SmoothedLoss } from "./smoothed-loss.js";
import { probeFolder, type SnapshotPaths } from "./snapshot.js";
import { startEvent } from "./start-event.js";

export type { SolverOptions } from "./load-solver.js";

/** Parts that a test pass is made in. */
const TEST_PARTS = 10;

/** A solver: a train net, its test nets, and where training stands. */
export class Solver implements AsyncDisposable {
  /** The solver's settings, in today's format. */
  readonly parameter: SolverParameter;
  /** The train net; its parameters are those that training changes, with the last gradients in `diff`. */
  readonly net: Net;
  /** What training takes, by an estimate. */
  readonly memory: MemoryEstimate;
  /** The test nets: batches of a test (test_iter), and weights of losses. */
  readonly tests: readonly TestShape[];
  readonly #engine: Engine;
  readonly #weights: Weights;
  readonly #rate: LearningRate;
  readonly #smoothed: SmoothedLoss;
  readonly #warn: (warning: NetrunError) => void;
  /** Best scores of tests so far, by metric; part of snapshots. */
  readonly bests = new Map<string, Best>();
  #testPositions: readonly (readonly number[])[] = [];
  readonly #prefix: string;
  /** Rows of each data layer in one iteration, over all of its iter_size batches. */
  readonly #feedRows: readonly number[];
  readonly #parts: SolverParts;
  /** Iterations of each replica between two averages; 1 where there is but the one of this thread. */
  readonly syncInterval: number | "auto";
  readonly #life = new Lifetime("solver");
  /** The engine of the last baseline, which ends with the solver where it still runs. */
  #alone: Engine | undefined;
  #iteration = 0;
  /** The snapshot that is being written. */
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(parts: SolverParts) {
    this.parameter = parts.parameter;
    this.net = parts.net;
    this.tests = parts.tests;
    this.memory = parts.memory;
    this.#engine = parts.engine;
    this.#weights = parts.weights;
    this.#rate = new LearningRate(parts.parameter, parts.options.warmUp);
    this.#smoothed = new SmoothedLoss(parts.parameter.average_loss);
    this.#warn = parts.options.onWarning ?? (() => {});
    this.#prefix = parts.prefix;
    this.#feedRows = parts.feedRows;
    this.#parts = parts;
    this.syncInterval = parts.syncInterval;
  }

  /**
   * Loads a solver from the path of a prototxt, its text or its message, with its nets and their data, and copies weights in.
   * Throws NetrunError, located, for what is wrong with any of them.
   */
  static async load(from: From<SolverParameter>, options: SolverOptions = {}): Promise<Solver> {
    const solver = new Solver(await loadSolverParts(from, options));
    try {
      if (solver.syncInterval !== "auto") solver.checkPartitions(solver.syncInterval);
      if (options.snapshot !== undefined) await solver.restore(options.snapshot);
      return solver;
    } catch (error) {
      await solver[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Warns of parts of the data that have fewer rows than a round of so many iterations takes. */
  checkPartitions(interval: number): void {
    for (const warning of this.partitionWarnings(interval)) this.#warn(warning);
  }

  /** Warnings of parts of the data that have fewer rows than a round of so many iterations takes. */
  partitionWarnings(interval: number): readonly NetrunError[] {
    const { options, partitions, plan } = this.#parts;
    return isParallel(options) ? partitionWarnings(partitions, interval, plan.solver.iterSize) : [];
  }

  /** What is trained, on what and how, as the first event of a training. */
  startEvent(): StartEvent {
    const { iteration, parameter, net, tests, memory, snapshotPrefix } = this;
    const { layout } = this.#weights;
    return startEvent({ ...this.#parts, iteration, parameter, net, tests, memory, snapshotPrefix, layout });
  }

  /** Updates done so far. */
  get iteration(): number {
    return this.#iteration;
  }

  /** Rows of data in one iteration, over all of its iter_size batches and all replicas; 0 where batches are fed by hand. */
  get rowsPerIteration(): number {
    return (this.#feedRows[0] ?? 0) * this.replicas;
  }

  /** Copies of the net that are trained. */
  get replicas(): number {
    return this.#engine.replicas;
  }

  /** The learning rate of the next iteration. */
  get rate(): number {
    return this.#rate.rate(this.iteration);
  }

  /** Trains for n iterations, on `batch` in each of them where one is given. Returns each iteration's loss, before its update. */
  step(n: number, batch?: Tensors): Promise<readonly number[]> {
    return this.#life.run(() => this.#step(n, batch));
  }

  async #step(n: number, batch: Tensors | undefined): Promise<readonly number[]> {
    checkNumber("n", n, countOrNone("iterations"));
    const losses: number[] = [];
    while (losses.length < n) {
      // Rates that adapt are known one iteration ahead.
      const { losses: more, notFinite } = await this.#run(this.#rate.adapts ? 1 : n, batch);
      for (const loss of more) losses.push(loss);
      if (notFinite !== undefined) throw notFiniteError(notFinite, this.iteration);
    }
    return losses;
  }

  /** Trains for n iterations, one round of the engine; what happened in them. */
  run(n: number, batch?: Tensors): Promise<Run> {
    return this.#life.run(() => this.#run(n, batch));
  }

  async #run(n: number, batch: Tensors | undefined): Promise<Run> {
    checkNumber("n", n, countOrNone("iterations"));
    const start = this.iteration;
    const rates = Array.from({ length: n }, (_, i) => this.#rate.rate(start + i));
    const work = { iteration: start, rates, display: this.parameter.display, batch };
    const round = await this.#engine.round(this.#weights.data, work);
    this.#iteration = round.iteration;
    const smoothedLosses = round.losses.map((loss, i) => {
      const smoothed = this.#smoothed.add(loss);
      this.#rate.observe(start + i, smoothed);
      return smoothed;
    });
    return { ...round, smoothedLosses, rates };
  }

  /**
   * The smoothed loss with the next batch's in it, which Caffe shows after its last iteration; undefined where that is not finite.
   * An iteration at a learning rate of 0, on a copy of the weights: the replicas' states are restored after it.
   */
  lossAhead(): Promise<number | undefined> {
    return this.#life.run(() => this.#lossAhead());
  }

  async #lossAhead(): Promise<number | undefined> {
    const states = await this.#engine.state();
    const work = { iteration: this.#iteration, rates: [0], display: this.parameter.display };
    let round: Round;
    try {
      round = await this.#engine.round(this.#weights.data.slice(), work);
    } finally {
      await this.#engine.restore(states);
    }
    const [loss] = round.losses;
    if (loss === undefined) return undefined;
    const smoothed = new SmoothedLoss(this.parameter.average_loss);
    smoothed.restore(this.#smoothed.losses);
    return smoothed.add(loss);
  }

  /**
   * Images per second of one replica that trains alone, with all threads and whole batches, over some iterations after a first
   * one. Training is not changed by it.
   */
  baseline(iterations: number): Promise<number> {
    return this.#life.run(() => this.#baseline(iterations));
  }

  async #baseline(iterations: number): Promise<number> {
    checkNumber("iterations", iterations, countRange("iterations"));
    const { plan, options } = this.#parts;
    const weights = this.#weights.data.slice();
    await using engine = openEngine({ workers: 1, isolation: options.isolation }, this.#weights.diff);
    this.#alone = engine;
    await engine.open(plan);
    const work = (iteration: number, n: number) => ({ iteration, rates: Array<number>(n).fill(0), display: 0 });
    await engine.round(weights, work(0, 1));
    const { rows, roundTimes } = await engine.round(weights, work(1, iterations));
    return rows / (roundTimes!.totalMs / 1000);
  }

  /** A test pass of one test net (the first, if none is named): the mean of each output by its blob's name, `NAME[i]` where it has several values. */
  async test(index = 0): Promise<Readonly<Record<string, number>>> {
    const { outputs } = await this.scores(index);
    return Object.fromEntries(
      Object.entries(outputs).flatMap(([name, values]) =>
        values.length === 1 ? [[name, values[0]!]] : [...values].map((value, i) => [`${name}[${i}]`, value]),
      ),
    );
  }

  /** A test pass of one test net over its test_iter batches. Throws NetrunError if there is no such test net. */
  scores(index = 0): Promise<Scores> {
    const parts = this.#testPass(index);
    return this.#life.run(async () => {
      for (;;) {
        const { done, value } = await parts.next();
        if (done) return value;
      }
    });
  }

  /**
   * A test pass in parts: yields how many batches are done, returns the scores. Where it is left before its end, the next pass
   * starts where this one did. Throws NetrunError if there is no such test net.
   */
  async *testPass(index: number): AsyncGenerator<TestPart, Scores> {
    const parts = this.#testPass(index);
    for (;;) {
      const { done, value } = await this.#life.run(() => parts.next());
      if (done) return value;
      yield value;
    }
  }

  async *#testPass(index: number): AsyncGenerator<TestPart, Scores> {
    const iterations = this.tests[index]?.iterations;
    if (iterations === undefined)
      throw new NetrunError(`the solver has ${this.tests.length} test nets, none with index ${index}`);
    const size = Math.max(this.replicas, Math.ceil(iterations / TEST_PARTS));
    const parts: { scores: Scores; batches: number }[] = [];
    let positions = this.#testPositions[index] ?? this.#parts.plan.tests[index]!.feeds.map(() => 0);
    for (let done = 0; done < iterations; done += size) {
      const batches = Math.min(size, iterations - done);
      const scores = await this.#engine.test(index, this.#weights.data, batches, positions);
      positions = scores.positions;
      parts.push({ scores, batches });
      yield { done: done + batches, total: iterations };
    }
    this.#testPositions = this.tests.map((_, i) => (i === index ? positions : (this.#testPositions[i] ?? [])));
    return meanScores(parts);
  }

  /**
   * Checks that a snapshot can be written where it will be: the folder is made, a file tried, the room on the disk looked at.
   * Throws NetrunError.
   */
  checkSnapshots(): void {
    this.#life.check();
    const { length, learnt } = this.#weights.layout;
    const floats = length * (this.parameter.snapshot_diff ? 2 : 1);
    const { slots } = updateRules[this.#parts.rule];
    probeFolder(this.#prefix, 4 * (floats + this.replicas * slots * learnt));
  }

  /** Path that the names of snapshots start with. */
  get snapshotPrefix(): string {
    return this.#prefix;
  }

  /**
   * Writes PREFIX_iter_N.caffemodel and .solverstate, which Caffe reads too, and .netrunstate with what those cannot hold.
   * Each file is whole or not there. Throws NetrunError if one cannot be written; training is not disturbed by that.
   */
  async snapshot(prefix = this.#prefix): Promise<SnapshotPaths> {
    const { written } = await this.startSnapshot(prefix);
    return written;
  }

  /** Takes a snapshot as `snapshot` does, to be written while training goes on where it is large. Waits for the one before. */
  startSnapshot(prefix = this.#prefix): Promise<SnapshotWriting> {
    return this.#life.run(() => this.#startSnapshot(prefix));
  }

  async #startSnapshot(prefix: string): Promise<SnapshotWriting> {
    // Each has a copy of all values: no more than one at a time.
    await this.#writing;
    const checkpoint = checkpointOf(prefix, this.#parts, {
      iteration: this.iteration,
      replicas: await this.#engine.state(),
      rate: this.#rate.stateAt(this.iteration - 1),
      losses: this.#smoothed.losses,
      best: Object.fromEntries(this.bests),
      testPositions: this.#testPositions,
    });
    const isAside = isWrittenAside(checkpoint);
    const written = writeCheckpointAside(checkpoint).then(() => checkpoint.paths);
    // Its failure is for who waits for it.
    this.#writing = written.catch(() => {});
    if (!isAside) await this.#writing;
    return { isAside, written };
  }

  /**
   * Goes on from a solverstate: weights, history, iteration and, from its .netrunstate, all else that the next iterations depend
   * on. Without that file (a snapshot of Caffe's) the data goes on where an undisturbed run would be, and a warning says what is
   * not as it was. Throws NetrunError with nothing changed.
   */
  restore(path: string): Promise<void> {
    return this.#life.run(() => this.#restore(path));
  }

  async #restore(path: string): Promise<void> {
    const { weights, warnings, ...found } = await readCheckpoint(path, this.#parts);
    const before = await this.#engine.state();
    try {
      await this.#engine.restore(found.replicas);
    } catch (error) {
      await this.#engine.restore(before);
      throw error;
    }
    this.#weights.data.set(weights);
    this.#iteration = found.iteration;
    this.#rate.restore(found.iteration, found.rate);
    this.#smoothed.restore(found.losses);
    this.bests.clear();
    for (const [metric, best] of Object.entries(found.best)) this.bests.set(metric, best);
    this.#testPositions = found.testPositions;
    for (const warning of warnings) this.#warn(warning);
  }

  [Symbol.asyncDispose](): Promise<void> {
    // The engine's end cuts a round short where its replicas live elsewhere.
    return this.#life.abort(async () => {
      await this.#alone?.[Symbol.asyncDispose]();
      await this.#engine[Symbol.asyncDispose]();
      await this.net[Symbol.asyncDispose]();
      await this.#parts.rows[Symbol.asyncDispose]();
    });
  }
}

/** Batches of a test pass that are done. */
export interface TestPart {
  readonly done: number;
  readonly total: number;
}

/** A snapshot whose values are copied. */
export interface SnapshotWriting {
  /** Whether it is being written by a thread of its own; else it is written, or has failed. */
  readonly isAside: boolean;
  /** The files, once they are written. Rejects with NetrunError if one cannot be. */
  readonly written: Promise<SnapshotPaths>;
}

/** What some iterations gave, and the smoothed loss after each. */
export interface Run extends Round {
  readonly smoothedLosses: readonly number[];
  /** The learning rate of each iteration. */
  readonly rates: readonly number[];
}

/** Why training cannot go on. */
export function notFiniteError(what: string, iteration: number, ...notes: readonly string[]): NetrunError {
  return new NetrunError(`${what} is not a finite number in iteration ${iteration}: training stops`, {
    notes: ["a smaller base_lr, a warm-up or clip_gradients may help", ...notes],
  });
}
