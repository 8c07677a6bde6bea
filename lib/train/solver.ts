import type { Net, Tensors } from "../api/net.js";
import type { From } from "../caffe/load.js";
import { amend } from "../caffe/message.js";
import type { SolverParameter } from "../caffe/messages.js";
import type { SolverNet } from "../caffe/solver-nets.js";
import type { NetrunError } from "../error.js";
import { Lifetime } from "../lifetime.js";
import { slotsOf } from "../optim/whole-batch.js";
import type { TestShape } from "../run/compile.js";
import { MOST_ITERATIONS, usesLoop } from "../run/loop/step.js";
import { isResident } from "../run/resident/step.js";
import { Baseline } from "./baseline.js";
import { readCheckpoint, type TrainingState } from "./checkpoint.js";
import type { StartEvent } from "./events.js";
import { loadSolverParts, type SolverOptions, type SolverParts } from "./load-solver.js";
import type { MemoryEstimate } from "./memory.js";
import { isParallel, partitionWarnings } from "./parallel.js";
import type { Best } from "./side-state.js";
import { probeFolder, type SnapshotPaths } from "./snapshot.js";
import { SnapshotWriter, type SnapshotWriting } from "./snapshot-writer.js";
import { startEvent } from "./start-event.js";
import { TestNets } from "./test-nets.js";
import { type TestPart, type TestScores, TestPasses } from "./test-passes.js";
import { type Run, Trainer } from "./trainer.js";

export type { SolverOptions } from "./load-solver.js";

/** A solver: a train net, its test nets, and where training stands. */
export class Solver implements AsyncDisposable {
  /** The solver's settings, in today's format. */
  readonly parameter: SolverParameter;
  /** The train net; its parameters are those that training changes, with the last gradients in `diff`. */
  readonly net: Net;
  /** Estimate of training's memory. */
  readonly memory: MemoryEstimate;
  /** The test nets: batches of a test (test_iter), and weights of losses. */
  readonly tests: readonly TestShape[];
  /** Best scores of tests so far, by metric; part of snapshots. */
  readonly bests = new Map<string, Best>();
  readonly #parts: SolverParts;
  readonly #trainer: Trainer;
  readonly #passes: TestPasses;
  readonly #baseline: Baseline;
  readonly #writer: SnapshotWriter;
  readonly #testNets: TestNets;
  /** Iterations of each replica between two averages; 1 where there is but the one of this thread. */
  readonly syncInterval: number | "auto";
  readonly #life = new Lifetime("solver");

  private constructor(parts: SolverParts) {
    this.parameter = parts.parameter;
    this.net = parts.net;
    this.tests = parts.tests;
    this.memory = parts.memory;
    this.#parts = parts;
    this.#trainer = new Trainer(parts);
    this.#passes = new TestPasses(parts);
    this.#baseline = new Baseline(parts);
    this.#writer = new SnapshotWriter(parts);
    this.#testNets = new TestNets(parts);
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
    for (const warning of this.partitionWarnings(interval)) this.#parts.options.onWarning?.(warning);
  }

  /** Warnings of parts of the data that have fewer rows than a round of so many iterations takes. */
  partitionWarnings(interval: number): readonly NetrunError[] {
    const { options, partitions, plan } = this.#parts;
    return isParallel(options) ? partitionWarnings(partitions, interval, plan.solver.iterSize) : [];
  }

  /** Description of a training: net, data and settings, as its first event. */
  startEvent(): StartEvent {
    const { iteration, parameter, net, tests, memory, snapshotPrefix } = this;
    const { layout } = this.#parts.weights;
    return startEvent({ ...this.#parts, iteration, parameter, net, tests, memory, snapshotPrefix, layout });
  }

  /** The train net as it was loaded, with the layers of all phases, and the folder that its paths are looked up from. */
  get source(): SolverNet {
    return this.#parts.source;
  }

  /** Seed of fillers, random layers and data. */
  get seed(): number {
    return this.#parts.seed;
  }

  /** True if training starts from weights or a snapshot that were given. */
  get isPretrained(): boolean {
    const { weights, snapshot } = this.#parts.options;
    return snapshot !== undefined || [weights ?? this.parameter.weights].flat().length > 0;
  }

  /** The train net alone as a solver, options with which it reads the same data, and a file for its weights where snapshots are kept. */
  async pretrainingInputs() {
    const { source, options, rows, parameter } = this.#parts;
    const { batchSize, devices, onBadRecord, onWarning, provider, strict, threads, transform } = options;
    const net = { train_net_param: amend(source.net, { state: source.state }) };
    // Rows of a program have no name by which a later training would know them.
    const isNamed = options.data === undefined || typeof options.data === "string";
    const isKept = isNamed && (parameter.snapshot > 0 || parameter.snapshot_after_train);
    const none = { net: null, net_param: null, train_net: null, test_net: null, test_net_param: null, test_iter: null };
    return {
      ...{ batchSize, devices, onBadRecord, onWarning, provider, strict, threads, transform },
      solver: amend<SolverParameter>(parameter, { ...none, ...net, test_state: null, test_interval: null }),
      baseDir: source.baseDir,
      data: await rows.resolve(options.data ?? options.engine?.data),
      ...(isKept && { output: `${this.snapshotPrefix}_pretrained.caffemodel` }),
    };
  }

  /** Updates done so far. */
  get iteration(): number {
    return this.#trainer.iteration;
  }

  /** Rows of data in one iteration, over all of its iter_size batches and all replicas; 0 where batches are fed by hand. */
  get rowsPerIteration(): number {
    return (this.#parts.feedRows[0] ?? 0) * this.replicas;
  }

  /** Copies of the net that are trained. */
  get replicas(): number {
    return this.#parts.engine.replicas;
  }

  /** The learning rate of the next iteration. */
  get rate(): number {
    return this.#trainer.rate;
  }

  /**
   * Iterations that a round may have that nobody waits for: several where one replica trains in rounds over which its state stays on a
   * device, unless rates depend on losses; else 1.
   */
  get iterationsAhead(): number {
    const { options, plan } = this.#parts;
    return !isParallel(options) && (usesLoop(plan.session) || isResident(plan.session)) && !this.#trainer.ratesAdapt
      ? MOST_ITERATIONS
      : 1;
  }

  /** Multiplies the learning rates of all further iterations; snapshots keep it. */
  scaleRate(factor: number): void {
    this.#trainer.scaleRate(factor);
  }

  /** Trains for n iterations, on `batch` in each of them where one is given. Returns each iteration's loss, before its update. */
  step(n: number, batch?: Tensors): Promise<readonly number[]> {
    return this.#life.run(() => this.#trainer.step(n, batch));
  }

  /** Trains for n iterations, one round of the engine; what happened in them. The parameters' `diff` may be dropped on the way. */
  run(n: number, batch?: Tensors, dropsGradients = false): Promise<Run> {
    return this.#life.run(() => this.#trainer.run(n, batch, dropsGradients));
  }

  /**
   * The smoothed loss with the next batch's in it, which Caffe shows after its last iteration; undefined where that is not finite.
   * An iteration at a learning rate of 0, on a copy of the weights: the replicas' states are restored after it.
   */
  lossAhead(): Promise<number | undefined> {
    return this.#life.run(() => this.#trainer.lossAhead());
  }

  /**
   * Images per second of one replica that trains alone, with all threads and whole batches, over some iterations after a first
   * one. Training is not changed by it.
   */
  baseline(iterations: number): Promise<number> {
    return this.#life.run(() => this.#baseline.measure(iterations));
  }

  /**
   * The test nets, for programs that run them by hand; they share the train net's parameters as those are at each call. They are the
   * solver's to close.
   */
  testNets(): Promise<readonly Net[]> {
    return this.#life.run(() => this.#testNets.current());
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
  scores(index = 0): Promise<TestScores> {
    const parts = this.#passes.pass(index);
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
  async *testPass(index: number): AsyncGenerator<TestPart, TestScores> {
    const parts = this.#passes.pass(index);
    for (;;) {
      const { done, value } = await this.#life.run(() => parts.next());
      if (done) return value;
      yield value;
    }
  }

  /**
   * Checks that a snapshot can be written where it will be: the folder is made, a file tried, the room on the disk looked at.
   * Throws NetrunError.
   */
  checkSnapshots(): void {
    this.#life.check();
    const { length, trainable } = this.#parts.weights.layout;
    const floats = length * (this.parameter.snapshot_diff ? 2 : 1);
    const slots = slotsOf(this.#parts.rule);
    probeFolder(this.snapshotPrefix, 4 * (floats + this.replicas * slots * trainable));
  }

  /** Path that the names of snapshots start with. */
  get snapshotPrefix(): string {
    return this.#parts.prefix;
  }

  /**
   * Writes PREFIX_iter_N.caffemodel and .solverstate, which Caffe reads too, and .netrunstate with what those cannot hold.
   * Each file is whole or not there. Throws NetrunError if one cannot be written; training is not disturbed by that.
   */
  async snapshot(prefix = this.snapshotPrefix): Promise<SnapshotPaths> {
    const { written } = await this.startSnapshot(prefix);
    return written;
  }

  /** Takes a snapshot as `snapshot` does, to be written while training goes on where it is large. Waits for the one before. */
  startSnapshot(prefix = this.snapshotPrefix): Promise<SnapshotWriting> {
    return this.#life.run(() => this.#writer.start(prefix, () => this.#state()));
  }

  async #state(): Promise<TrainingState> {
    const state = await this.#trainer.state();
    return { ...state, best: Object.fromEntries(this.bests), testPositions: this.#passes.positions };
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
    const found = await readCheckpoint(path, this.#parts);
    await this.#trainer.restore(found);
    this.bests.clear();
    for (const [metric, best] of Object.entries(found.best)) this.bests.set(metric, best);
    this.#passes.positions = found.testPositions;
    for (const warning of found.warnings) this.#parts.options.onWarning?.(warning);
  }

  [Symbol.asyncDispose](): Promise<void> {
    // The engine's end cuts a round short where its replicas live elsewhere.
    return this.#life.abort(async () => {
      await this.#baseline[Symbol.asyncDispose]();
      await this.#testNets[Symbol.asyncDispose]();
      await this.#parts.engine[Symbol.asyncDispose]();
      await this.net[Symbol.asyncDispose]();
      await this.#parts.rows[Symbol.asyncDispose]();
    });
  }
}
