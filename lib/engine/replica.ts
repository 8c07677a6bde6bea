import { shardRange } from "../data/source/source.js";
import type { Tensors } from "../data/tensor.js";
import { NetrunError } from "../error.js";
import { sameShape } from "../graph/index.js";
import { loadPlugins } from "../layers/index.js";
import { type Layout, layoutOf, view } from "../net/layout.js";
import { updateRules } from "../optim/rules.js";
import type { Request, RunResult } from "../run/compiled-net.js";
import { checkGiven } from "../run/inputs.js";
import { allFinite, firstNotFinite } from "../run/not-finite.js";
import { closeNet, nextBatch, type OpenNet, openPlan, recycle, run, seek } from "../run/open-net.js";
import type { TrainingPlan } from "../run/plan.js";
import { type PassStatistics, passStatistics, type Statistics, updateStatistics } from "../run/statistics.js";
import { Updater } from "../run/updater.js";
import { createWeights, type Weights } from "../run/weights.js";
import { drawTowards, type WeightedSums, weightedSums } from "./averaging/average.js";
import type { Partition, Report, Scores, Work } from "./engine.js";
import type { Place } from "./state.js";

/** A test net with its own parameters, filled: those that the train net has too are copied over before a test. */
interface TestRunner extends OpenNet {
  readonly weights: Weights;
}

/** A plan for one of several replicas. */
export interface ReplicaPlan extends TrainingPlan {
  /** Its index: each draws random numbers of its own. Default 0. */
  readonly replica?: number | undefined;
  /** Elastic averaging's alpha, where the replica keeps parameters of its own. */
  readonly alpha?: number | undefined;
}

/** What a replica did in a round, and where it is in its data. */
export interface ReplicaReport extends Report, Place {
  /** All that its iterations took. */
  readonly computeMs: number;
}

/** What an engine has to know of its replicas; plain data. */
export interface ReplicaInfo {
  /** Floats of all parameters, and of those that training changes. */
  readonly length: number;
  readonly learnt: number;
  /** Vectors of the update rule's history, each of `learnt` floats. */
  readonly slots: number;
  readonly sums: readonly WeightedSums[];
  /** Records consumed of each train feed. */
  readonly positions: readonly number[];
  /** The train feeds that have an end. */
  readonly partitions: readonly Partition[];
}

/** One copy of a model and its shard of the data: what every engine runs, wherever it is. */
export class Replica implements AsyncDisposable {
  readonly #plan: ReplicaPlan;
  readonly #train: OpenNet;
  readonly #tests: readonly TestRunner[];
  readonly #layout: Layout;
  readonly #updater: Updater;
  readonly #gradients: Float32Array;
  readonly #history: readonly Float32Array[];
  /** Its own parameters under elastic averaging, from the first round on. */
  #own: Float32Array | undefined;

  private constructor(plan: ReplicaPlan, train: OpenNet, tests: readonly TestRunner[], gradients?: Float32Array) {
    this.#plan = plan;
    this.#train = train;
    this.#tests = tests;
    this.#layout = layoutOf(train.net);
    const { rule, settings, regularization } = plan.solver;
    this.#updater = new Updater(this.#layout, { rule: updateRules[rule], settings, regularization }, plan.session);
    this.#history = this.#updater.newHistory();
    this.#gradients = gradients ?? new Float32Array(this.#layout.length);
  }

  /** Opens the data and lowers the nets of a plan. Gradients are kept in `gradients` where a buffer is given. */
  static async open(plan: ReplicaPlan, gradients?: Float32Array): Promise<Replica> {
    await loadPlugins(plan.plugins);
    const train = await openPlan(plan.train, plan.session);
    const tests: TestRunner[] = [];
    try {
      for (const test of plan.tests) tests.push(withWeights(await openPlan(test, plan.session), plan.solver.seed));
      return new Replica(plan, train, tests, gradients);
    } catch (error) {
      for (const runner of [train, ...tests]) await closeNet(runner);
      throw error;
    }
  }

  get info(): ReplicaInfo {
    const { length, learnt } = this.#layout;
    const { train, replica = 0 } = this.#plan;
    const partitions = this.#train.feeds.flatMap((feed, i) => {
      const spec = train.feeds[i]!;
      const { start, end } = shardRange(spec.shard, feed.length);
      const readers = spec.kind === "records" ? (spec.every ?? 1) : 1;
      const rows = Math.floor((end - start) / readers);
      return Number.isFinite(feed.length) ? [{ replica, feed: i, rows, batchSize: spec.batchSize }] : [];
    });
    const { positions } = this.place;
    const { length: slots } = this.#history;
    return { length, learnt, slots, sums: weightedSums(this.#layout), positions, partitions };
  }

  /** The vectors of its state, in the order of `vectorsOf`. */
  get #vectors(): readonly Float32Array[] {
    return this.#own ? [...this.#history, this.#own] : this.#history;
  }

  /** Copies the vectors of its state into `room`, which has as many of the same lengths; the rest of its state. */
  save(room: readonly Float32Array[]): Place {
    for (const [i, values] of this.#vectors.entries()) room[i]!.set(values);
    return this.place;
  }

  /** Sets its state; the vectors, as `save` gives them, are copied. */
  async restore({ positions, carries }: Place, vectors: readonly Float32Array[]): Promise<void> {
    const own = vectors[this.#history.length];
    if (own === undefined) this.#own = undefined;
    else this.#own ??= new Float32Array(own.length);
    for (const [i, values] of this.#vectors.entries()) values.set(vectors[i]!);
    await seek(this.#train.feeds, positions);
    if (carries) this.#train.program.carry(carries);
  }

  /** The parts of its state that are no vectors. */
  get place(): Place {
    return {
      positions: this.#train.feeds.map(({ position }) => position),
      carries: this.#train.program.carried,
    };
  }

  /**
   * Trains from `weights`, in place; under elastic averaging from its own parameters, and `weights` are then what it takes part in
   * the average with. `progress` is called after every iteration.
   */
  async round(weights: Float32Array, work: Work, progress: () => void = () => {}): Promise<ReplicaReport> {
    const { alpha } = this.#plan;
    if (alpha === undefined) return this.#iterate(weights, work, progress);
    this.#own ??= weights.slice();
    const report = await this.#iterate(this.#own, work, progress);
    drawTowards(this.#own, weights, alpha, this.#layout.learnt);
    return report;
  }

  async #iterate(weights: Float32Array, work: Work, progress: () => void): Promise<ReplicaReport> {
    const began = performance.now();
    const times = { dataWaitMs: 0, gradientMs: 0, updateMs: 0 };
    const outputs = new Map<number, Readonly<Record<string, Float32Array>>>();
    const debug = new Map<number, Statistics>();
    const losses: number[] = [];
    if (work.batch) checkGiven(this.#train.net.inputs, work.batch);
    let rows = 0;
    let notFinite: string | undefined;
    let { iteration } = work;
    for (const rate of work.rates) {
      const show = work.display > 0 && iteration % work.display === 0;
      const step = await this.#gradientsOf(weights, iteration, work, times);
      notFinite = step.notFinite;
      if (notFinite !== undefined) break;
      losses.push(step.loss);
      if (show) outputs.set(iteration, step.outputs);
      rows += step.rows;
      const before = step.debug && weights.slice();
      const started = performance.now();
      await this.#update(weights, rate, iteration);
      times.updateMs += performance.now() - started;
      if (before && step.debug)
        debug.set(iteration, { ...step.debug, update: updateStatistics(this.#layout, before, weights) });
      iteration++;
      progress();
    }
    const skipped = this.#train.feeds.reduce((sum, feed) => sum + feed.skipped.count, 0);
    const computeMs = performance.now() - began;
    return { losses, outputs, times, rows, skipped, ...this.place, notFinite, debug, computeMs };
  }

  /** Gradients of one iteration, the sum over its iter_size batches. */
  async #gradientsOf(
    weights: Float32Array,
    iteration: number,
    { display, batch: given }: Work,
    times: { dataWaitMs: number; gradientMs: number },
  ) {
    const { iterSize } = this.#plan.solver;
    const seed = replicaSeed(this.#plan);
    // The same request in every iteration, shown or not: another one would be another session.
    const blobs = display > 0 ? this.#train.net.outputs : [];
    const request: Request = { blobs, gradients: "learnt", objective: true };
    const shown = this.#plan.solver.debugInfo && display > 0 && iteration % display === 0;
    let debug: PassStatistics | undefined;
    let loss = 0;
    let rows = 0;
    let outputs: Readonly<Record<string, Float32Array>> = {};
    this.#gradients.fill(0);
    for (let sub = 0; sub < iterSize; sub++) {
      const waited = performance.now();
      const batch = given ?? (await nextBatch(this.#train.feeds));
      const started = performance.now();
      times.dataWaitMs += started - waited;
      const draw = [seed, iteration * iterSize + sub] as const;
      const result = await run(this.#train, request, batch, { layout: this.#layout, data: weights }, draw);
      const all = () => this.#everything(batch, weights, draw);
      if (!Number.isFinite(result.objective) || !Object.values(result.gradients).every(allFinite)) {
        const notFinite = firstNotFinite(this.#train.net, weights, await all());
        return { loss, outputs, rows, debug, notFinite };
      }
      if (shown) debug = passStatistics(this.#train.net, this.#layout, weights, await all());
      this.#accumulate(result.gradients, sub > 0);
      for (const [key, value] of Object.entries(result.states)) view(weights, this.#layout.slots.get(key)!).set(value);
      loss += result.objective;
      outputs = result.blobs;
      rows += Object.values(batch)[0]?.shape[0] ?? 0;
      if (!given) recycle(this.#train.feeds, batch, result.blobs);
      times.gradientMs += performance.now() - started;
    }
    return { loss: loss / iterSize, outputs, rows, debug, notFinite: undefined };
  }

  /** The last forward once more, with every blob and every gradient. */
  #everything(batch: Tensors, weights: Float32Array, draw: readonly [number, number]): Promise<RunResult> {
    const request: Request = { blobs: [...this.#train.net.blobs.keys()], gradients: "blobs", objective: true };
    return run(this.#train, request, batch, { layout: this.#layout, data: weights }, draw, true);
  }

  #accumulate(gradients: Readonly<Record<string, Float32Array>>, add: boolean): void {
    for (const [key, gradient] of Object.entries(gradients)) {
      const sum = view(this.#gradients, this.#layout.slots.get(key)!);
      if (add) for (let i = 0; i < sum.length; i++) sum[i]! += gradient[i]!;
      else sum.set(gradient);
    }
  }

  #update(weights: Float32Array, rate: number, iteration: number): Promise<void> {
    const { rule, settings, iterSize, weightDecay, clipGradients } = this.#plan.solver;
    let scale = 1 / iterSize;
    if (clipGradients >= 0) {
      const norm = l2Norm(this.#gradients);
      if (norm > clipGradients) scale *= clipGradients / norm;
    }
    const correction = updateRules[rule].correction?.(iteration + 1, settings) ?? 1;
    const step = { rate: rate * correction, decay: weightDecay, scale };
    return this.#updater.apply({ weights, gradients: this.#gradients, history: this.#history }, step);
  }

  /** Runs a test net over its next batches with some weights of the train net, parameters matched by layer name. */
  async test(
    index: number,
    weights: Float32Array,
    batches: number,
    positions: readonly number[] = [],
  ): Promise<Scores> {
    const runner = this.#tests[index]!;
    await seek(runner.feeds, positions);
    const own = runner.weights;
    shareWeights(this.#layout, weights, own);
    const request: Request = { blobs: runner.net.outputs, objective: true };
    const sums: Record<string, Float64Array> = {};
    let loss = 0;
    for (let i = 0; i < batches; i++) {
      const batch = await nextBatch(runner.feeds);
      const result = await run(runner, request, batch, own, [this.#plan.solver.seed, i]);
      loss += result.objective;
      for (const [name, values] of Object.entries(result.blobs)) {
        sums[name] ??= new Float64Array(values.length);
        const sum = sums[name];
        values.forEach((value, j) => {
          sum[j]! += value;
        });
      }
      recycle(runner.feeds, batch, result.blobs);
    }
    const outputs = Object.fromEntries(
      Object.entries(sums).map(([name, sum]) => [name, Float32Array.from(sum, (value) => value / batches)]),
    );
    return { outputs, loss: loss / batches, positions: runner.feeds.map(({ position }) => position) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const runner of [this.#train, ...this.#tests]) await closeNet(runner);
    await this.#updater[Symbol.asyncDispose]();
  }
}

/** Distance between the seeds of two replicas: odd, so that all of the first 2^32 replicas have different ones. */
const SEED_STRIDE = 0x9e3779b1;

/** What a replica's random layers draw from; the first one's is the solver's own seed. */
const replicaSeed = ({ solver, replica = 0 }: ReplicaPlan): number =>
  replica === 0 ? solver.seed : (solver.seed + Math.imul(replica, SEED_STRIDE)) >>> 0;

const withWeights = (runner: OpenNet, seed: number): TestRunner => ({
  ...runner,
  weights: createWeights(layoutOf(runner.net), seed),
});

/** Copies the parameters that two nets of one solver share: those of the same layer and index. */
function shareWeights(from: Layout, weights: Float32Array, to: Weights): void {
  for (const [key, slot] of to.layout.slots) {
    const source = from.slots.get(key);
    if (!source) continue;
    if (!sameShape(source.parameter.spec.shape, slot.parameter.spec.shape)) {
      const shapes = `[${source.parameter.spec.shape}] in the train net and [${slot.parameter.spec.shape}] in the test net`;
      throw new NetrunError(`parameter ${key} is ${shapes}`);
    }
    view(to.data, slot).set(view(weights, source));
  }
}

function l2Norm(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}
