import { existsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { type From, type LoadOptions, loadSolver } from "../caffe/load.js";
import { type SolverParameter, SolverParameter_SnapshotFormat as Format } from "../caffe/messages.js";
import { solverNets, withTrainState } from "../caffe/solver-nets.js";
import { readSolverState } from "../caffe/solver-state.js";
import { compileSolver } from "../compile.js";
import type { Checkpoint, Engine, ReplicaState, Round, Scores } from "../engine/engine.js";
import { LocalEngine } from "../engine/local.js";
import { createWeights, type Weights } from "../engine/weights.js";
import { NetrunError } from "../error.js";
import { Net, type Tensors } from "../model.js";
import { layoutOf } from "../net/layout.js";
import type { SessionOptions } from "../onnx/session.js";
import { currentStep, ratePolicy } from "./rate.js";
import { updateRules } from "./rules.js";
import {
  modelOfState,
  readSideState,
  restoreHistory,
  type SnapshotPaths,
  snapshotPaths,
  storeHistory,
  writeSnapshot,
} from "./snapshot.js";

export interface SolverOptions extends SessionOptions, Pick<LoadOptions, "strict" | "onWarning" | "name" | "baseDir"> {
  /** Weights files to start from, in place of the solver's own `weights`. */
  readonly weights?: string | readonly string[] | undefined;
  /** A solverstate to go on from. */
  readonly snapshot?: string | undefined;
  /** Level and stages added to the state of the train net. */
  readonly level?: number | undefined;
  readonly stages?: readonly string[] | undefined;
}

/** Seed where the solver has no random_seed: Caffe then takes the time, netrun runs the same way every time. */
const DEFAULT_SEED = 1;

/** A solver: a train net, its test nets, and where training stands. */
export class Solver implements AsyncDisposable {
  /** The solver's settings, in today's format. */
  readonly parameter: SolverParameter;
  /** The train net; its parameters are those that training changes, with the last gradients in `diff`. */
  readonly net: Net;
  /** Batches of a test pass of each test net (test_iter). */
  readonly testIterations: readonly number[];
  readonly #engine: Engine;
  readonly #weights: Weights;
  readonly #rate: (iteration: number) => number;
  readonly #seed: number;
  readonly #prefix: string;
  readonly #batchRows: number;
  #checkpoint: Checkpoint;

  private constructor(parts: Parts) {
    this.parameter = parts.parameter;
    this.net = parts.net;
    this.testIterations = parts.testIterations;
    this.#engine = parts.engine;
    this.#weights = parts.weights;
    this.#rate = ratePolicy(parts.parameter);
    this.#seed = parts.seed;
    this.#prefix = parts.prefix;
    this.#batchRows = parts.batchRows;
    const { layout, data } = parts.weights;
    const history = Array.from({ length: updateRules[parts.rule].slots }, () => new Float32Array(layout.learnt));
    this.#checkpoint = { iteration: 0, weights: data, replicas: [{ history, positions: [] }] };
  }

  /**
   * Loads a solver from the path of a prototxt, its text or its message, with its nets and their data, and copies weights in.
   * Throws NetrunError, located, for what is wrong with any of them.
   */
  static async load(from: From<SolverParameter>, options: SolverOptions = {}): Promise<Solver> {
    const { message, path, baseDir } = loadSolver(from, options);
    const state = { level: options.level ?? 0, stage: options.stages ?? [] };
    const parameter = options.level === undefined && !options.stages?.length ? message : withTrainState(message, state);
    ratePolicy(parameter);
    const seed = parameter.random_seed >= 0 ? parameter.random_seed : DEFAULT_SEED;
    const nets = solverNets(parameter, { ...options, baseDir: options.baseDir ?? baseDir });
    const session = sessionOptions(options);
    const { train, plan } = await compileSolver(parameter, nets, { seed, session });
    const weights = createWeights(layoutOf(train.lowered), seed);
    const net = new Net({ ...train, feeds: [] }, weights, seed);
    for (const file of weightFiles(options, parameter)) await net.copyTrainedLayersFrom(file);
    const engine = new LocalEngine(weights.diff);
    await engine.load(plan);
    const solver = new Solver({
      parameter,
      net,
      weights,
      engine,
      seed,
      rule: plan.solver.rule,
      prefix: snapshotPrefix(parameter, path),
      testIterations: nets.test.map(({ iterations }) => iterations),
      batchRows: (plan.train.feeds[0]?.batchSize ?? 0) * plan.solver.iterSize,
    });
    if (options.snapshot !== undefined) await solver.restore(options.snapshot);
    return solver;
  }

  /** Updates done so far. */
  get iteration(): number {
    return this.#checkpoint.iteration;
  }

  /** Rows of data in one iteration, over all of its iter_size batches; 0 where batches are fed by hand. */
  get rowsPerIteration(): number {
    return this.#batchRows;
  }

  /** The learning rate of the next iteration. */
  get rate(): number {
    return this.#rate(this.iteration);
  }

  /** Trains for n iterations, on `batch` in each of them where one is given. Returns each iteration's loss, before its update. */
  async step(n: number, batch?: Tensors): Promise<readonly number[]> {
    return (await this.run(n, batch)).losses;
  }

  /** Trains for n iterations; what happened in them. */
  async run(n: number, batch?: Tensors): Promise<Round> {
    const rates = Array.from({ length: n }, (_, i) => this.#rate(this.iteration + i));
    const round = await this.#engine.train(this.#checkpoint, { rates, display: this.parameter.display, batch });
    this.#checkpoint = round.checkpoint;
    return round;
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
  async scores(index = 0): Promise<Scores> {
    const iterations = this.testIterations[index];
    if (iterations === undefined)
      throw new NetrunError(`the solver has ${this.testIterations.length} test nets, none with index ${index}`);
    return this.#engine.test(index, this.#weights.data, iterations);
  }

  /**
   * Writes PREFIX_iter_N.caffemodel and .solverstate, which Caffe reads too, and .netrunstate with what those cannot hold.
   * Each file is whole or not there. Throws NetrunError if one cannot be written; training is not disturbed by that.
   */
  async snapshot(prefix = this.#prefix): Promise<SnapshotPaths> {
    const format = this.parameter.snapshot_format === Format.HDF5 ? "HDF5" : "BINARYPROTO";
    const { iteration, replicas } = this.#checkpoint;
    const { history, positions } = replicas[0]!;
    const paths = snapshotPaths(prefix, iteration, format);
    const { layout } = this.#weights;
    const state = {
      iter: iteration,
      learned_net: paths.model,
      current_step: currentStep(this.parameter, iteration),
      history: storeHistory(layout, history),
    };
    const side = { version: 1 as const, iteration, seed: this.#seed, positions, testPositions: [], losses: [] };
    const weights = this.net.stored(this.parameter.snapshot_diff);
    await writeSnapshot(paths, { net: this.net.parameter, weights, state, side }, format);
    return paths;
  }

  /**
   * Goes on from a solverstate: weights, history, iteration and, from its .netrunstate, the place in the data. Without that file
   * (a snapshot of Caffe's) the data goes on where an undisturbed run would be. Throws NetrunError with nothing changed.
   */
  async restore(path: string): Promise<void> {
    const state = await readSolverState(path);
    const side = readSideState(path);
    const { layout } = this.#weights;
    const [replica] = this.#checkpoint.replicas as [ReplicaState];
    const history = replica.history.map((values) => new Float32Array(values.length));
    restoreHistory(layout, history, state.history, path);
    await this.net.copyTrainedLayersFrom(modelOfState(path, state.learned_net));
    replica.history.forEach((values, i) => {
      values.set(history[i]!);
    });
    const positions = side?.positions ?? (this.#batchRows > 0 ? [state.iter * this.#batchRows] : []);
    this.#checkpoint = { ...this.#checkpoint, iteration: state.iter, replicas: [{ ...replica, positions }] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine[Symbol.asyncDispose]();
    await this.net[Symbol.asyncDispose]();
  }
}

interface Parts {
  readonly parameter: SolverParameter;
  readonly net: Net;
  readonly weights: Weights;
  readonly engine: Engine;
  readonly seed: number;
  readonly rule: keyof typeof updateRules;
  readonly prefix: string;
  readonly testIterations: readonly number[];
  readonly batchRows: number;
}

const sessionOptions = ({ provider, threads }: SessionOptions): SessionOptions => ({
  ...(provider && { provider }),
  ...(threads !== undefined && { threads }),
});

/** Files of weights: the option's, else the solver's, each of which may list several with commas between, as Caffe has it. */
function weightFiles({ weights, snapshot }: SolverOptions, parameter: SolverParameter): readonly string[] {
  if (snapshot !== undefined) return [];
  return [weights ?? parameter.weights].flat().flatMap((list) => list.split(","));
}

/** Caffe's rule: without a prefix, or with a folder as prefix, files are named after the solver's. */
function snapshotPrefix({ snapshot_prefix: prefix }: SolverParameter, solverPath: string | undefined): string {
  const stem = (solverPath ?? "netrun").replace(/\.[^./\\]*$/, "");
  if (prefix === "") return stem;
  return existsSync(prefix) && statSync(prefix).isDirectory() ? join(prefix, basename(stem)) : prefix;
}
