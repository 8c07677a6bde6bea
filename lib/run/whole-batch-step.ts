import { NetrunError } from "../error.js";
import type { Tensors } from "../data/tensor.js";
import { type Layout, layoutOf, view } from "../net/layout.js";
import { type LinePoint, lineSearch } from "../optim/line-search.js";
import { type Direction, dot, type WholeBatchMethod } from "../optim/whole-batch.js";
import type { RunRequest } from "./compiled-net.js";
import { activationStatistics, type LayerStatistics, parameterStatistics } from "./layer-statistics.js";
import { firstNotFinite } from "./not-finite.js";
import { type RunnableNet, runNet } from "./open-net.js";
import type { SolverPlan } from "./plan.js";
import type { StepOptions } from "./separate-step.js";
import { isWatched } from "./separate-step.js";
import type { Batches, Iterations, Step, StepReport, TrainState } from "./step.js";

/** The objective of the batches of an iteration at some parameters, weight decay included. */
interface Objective {
  readonly value: number;
  /** By the trainable parameters. */
  readonly gradient: Float64Array;
  /** The mean loss, without weight decay. */
  readonly loss: number;
  readonly outputs: Readonly<Record<string, Float32Array>>;
}

/**
 * A step of a method that searches along a line: the objective of the iteration's batches (iter_size of them, the whole data) is evaluated at
 * several parameters, with the same random numbers. Its history is all that the next iteration depends on, so that training resumes bit-exactly.
 */
export class WholeBatchStep implements Step {
  readonly #train: RunnableNet;
  readonly #solver: SolverPlan;
  readonly #method: WholeBatchMethod;
  readonly #seed: number;
  readonly #layout: Layout;
  readonly #gradients: Float32Array;

  /** The net stays its owner's to close. */
  constructor(train: RunnableNet, solver: SolverPlan, method: WholeBatchMethod, { seed, gradients }: StepOptions) {
    this.#train = train;
    this.#solver = solver;
    this.#method = method;
    this.#seed = seed;
    this.#layout = layoutOf(train.net);
    if (train.net.carries.size > 0 && solver.iterSize > 1)
      throw new NetrunError(`${method.type} evaluates batches again, and layers here remember the batch before`, {
        notes: ["put all rows into one batch, with iter_size: 1"],
      });
    const limited = train.net.parameters.find(({ maxNorm }) => maxNorm !== undefined);
    if (limited)
      throw new NetrunError(`${method.type} has no max_norm, which layer "${limited.layer}" has`, {
        notes: ["a search along a line does not stay within limits: SGD, Nesterov and Adam do"],
      });
    this.#gradients = gradients ?? new Float32Array(this.#layout.length);
  }

  newHistory(): readonly Float32Array[] {
    return Array.from({ length: this.#method.slots }, () => new Float32Array(this.#layout.trainable));
  }

  async run(work: Iterations, batches: Batches, state: TrainState, progress: () => void): Promise<StepReport> {
    const times = { dataWaitMs: 0, gradientMs: 0, updateMs: 0 };
    const outputs = new Map<number, Readonly<Record<string, Float32Array>>>();
    const layers = new Map<number, LayerStatistics>();
    const losses: number[] = [];
    let rows = 0;
    let { iteration } = work;
    for (const rate of work.rates) {
      const waited = performance.now();
      const given: Tensors[] = [];
      for (let i = 0; i < this.#solver.iterSize; i++) given.push(await batches.next());
      const started = performance.now();
      times.dataWaitMs += started - waited;
      const start = await this.#evaluate(given, state.weights, iteration, true);
      times.gradientMs += performance.now() - started;
      if (typeof start === "string") return { losses, outputs, times, rows, notFinite: start, layers };
      losses.push(start.loss);
      for (const batch of given) rows += Object.values(batch)[0]?.shape[0] ?? 0;
      const isShown = work.display > 0 && iteration % work.display === 0;
      if (isShown) outputs.set(iteration, start.outputs);
      this.#gradients.fill(0);
      this.#gradients.set(start.gradient);
      const before = isWatched({ ...work, iteration }) ? state.weights.slice() : undefined;
      const activations = before && activationStatistics(this.#train.net, await this.#blobs(given, before, iteration));
      const searching = performance.now();
      if (rate > 0) await this.#search(start, given, state, rate, iteration);
      times.updateMs += performance.now() - searching;
      if (before && activations) {
        const parameters = parameterStatistics(this.#layout, before, state.weights, this.#gradients, 1);
        layers.set(iteration, { parameters, activations });
      }
      for (const batch of given) batches.recycle(batch, isShown ? start.outputs : {});
      iteration++;
      progress();
    }
    return { losses, outputs, times, rows, layers };
  }

  /** Moves the weights along the method's direction; where no step there is better, along the gradient; else they stay. */
  async #search(start: Objective, batches: readonly Tensors[], state: TrainState, rate: number, iteration: number) {
    if (
      await this.#along(this.#method.direction(start.gradient, state.history), start, batches, state, rate, iteration)
    )
      return;
    if (state.history.every((vector) => vector.every((value) => value === 0))) return;
    for (const vector of state.history) vector.fill(0);
    await this.#along(this.#method.direction(start.gradient, state.history), start, batches, state, rate, iteration);
  }

  async #along(
    { direction, first }: Direction,
    start: Objective,
    batches: readonly Tensors[],
    { weights, history }: TrainState,
    rate: number,
    iteration: number,
  ): Promise<boolean> {
    const slope = dot(start.gradient, direction);
    if (!(slope < 0)) return false;
    const { trainable } = this.#layout;
    const from = weights.slice(0, trainable);
    const points = new Map<number, Float64Array>();
    const moved = (step: number) => {
      for (let i = 0; i < trainable; i++) weights[i] = from[i]! + step * direction[i]!;
    };
    const at = async (step: number): Promise<LinePoint> => {
      moved(step);
      const found = await this.#evaluate(batches, weights, iteration, false);
      if (typeof found === "string") return { step, value: Number.POSITIVE_INFINITY, slope: Number.NaN };
      points.set(step, found.gradient);
      return { step, value: found.value, slope: dot(found.gradient, direction) };
    };
    const settings = { ...this.#method.search, first: rate * first };
    const found = await lineSearch({ step: 0, value: start.value, slope }, at, settings);
    if (found === undefined) {
      weights.set(from);
      return false;
    }
    moved(found.step);
    const move = Float64Array.from(from, (value, i) => weights[i]! - value);
    this.#method.remember(history, { direction, move, gradient: start.gradient, next: points.get(found.step)! });
    return true;
  }

  /** The objective at some parameters; the first thing in it that is not finite, where one is. */
  async #evaluate(
    batches: readonly Tensors[],
    weights: Float32Array,
    iteration: number,
    isFirst: boolean,
  ): Promise<Objective | string> {
    const { iterSize } = this.#solver;
    const { net } = this.#train;
    const request: RunRequest = { blobs: net.outputs, gradients: "trainable", objective: true, sum: "entries" };
    const gradient = new Float64Array(this.#layout.trainable);
    const flat = { layout: this.#layout, data: weights };
    let loss = 0;
    let outputs: Readonly<Record<string, Float32Array>> = {};
    for (const [i, batch] of batches.entries()) {
      const draw = [this.#seed, iteration * iterSize + i] as const;
      const result = await runNet(this.#train, request, batch, flat, draw, { again: !isFirst });
      if (!Number.isFinite(result.objective) || !Number.isFinite(result.gradientSum)) {
        const everything: RunRequest = { blobs: [...net.blobs.keys()], gradients: "blobs", objective: true };
        return firstNotFinite(net, weights, await runNet(this.#train, everything, batch, flat, draw, { again: true }));
      }
      for (const [key, values] of Object.entries(result.gradients)) {
        const { offset } = this.#layout.slots.get(key)!;
        if (offset >= gradient.length) continue;
        for (let j = 0; j < values.length; j++) gradient[offset + j]! += values[j]! / iterSize;
      }
      // Running blobs change once an iteration, as in other steps.
      if (isFirst)
        for (const [key, value] of Object.entries(result.states))
          view(weights, this.#layout.slots.get(key)!).set(value);
      loss += result.objective / iterSize;
      outputs = result.blobs;
    }
    return { value: loss + this.#decay(weights, gradient), gradient, loss, outputs };
  }

  /** The penalty of weight decay (L2), whose gradient is added. */
  #decay(weights: Float32Array, gradient: Float64Array): number {
    let penalty = 0;
    for (const { offset, length, decayMult } of this.#layout.segments) {
      const decay = this.#solver.weightDecay * decayMult;
      if (decay === 0) continue;
      for (let i = offset; i < offset + length; i++) {
        penalty += (decay / 2) * weights[i]! * weights[i]!;
        gradient[i]! += decay * weights[i]!;
      }
    }
    return penalty;
  }

  /** Every blob of the last batch. */
  async #blobs(batches: readonly Tensors[], weights: Float32Array, iteration: number) {
    const draw = [this.#seed, iteration * this.#solver.iterSize + batches.length - 1] as const;
    const request: RunRequest = { blobs: [...this.#train.net.blobs.keys()] };
    const flat = { layout: this.#layout, data: weights };
    return (await runNet(this.#train, request, batches.at(-1)!, flat, draw, { again: true })).blobs;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
