import type { Tensors } from "../data/tensor.js";
import { type Layout, layoutOf, type Slot, view } from "../net/layout.js";
import type { SessionOptions } from "../onnx/session.js";
import { ruleOf } from "../optim/whole-batch.js";
import type { RunRequest, RunResult } from "./compiled-net.js";
import {
  type ActivationStatistics,
  activationStatistics,
  type LayerStatistics,
  parameterStatistics,
} from "./layer-statistics.js";
import { limitNorms, normedSlots } from "./max-norm.js";
import { allFinite, firstNotFinite } from "./not-finite.js";
import { type RunnableNet, runNet } from "./open-net.js";
import type { SolverPlan } from "./plan.js";
import { type PassStatistics, passStatistics, type Statistics, updateStatistics } from "./statistics.js";
import type { Batches, Iterations, Step, StepReport, TrainState } from "./step.js";
import { Updater } from "./updater.js";

/** Parts of a step besides its net and its solver. */
export interface StepOptions {
  readonly session: SessionOptions;
  /** Key of random layers. */
  readonly seed: number;
  /** Buffer for the last gradients, by the layout of the net; a buffer of the step's own without it. */
  readonly gradients?: Float32Array | undefined;
}

type Draw = readonly [seed: number, counter: number];

/** The gradients of an iteration, and what was seen on the way. */
interface Pass {
  readonly loss: number;
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly rows: number;
  readonly debug: PassStatistics | undefined;
  readonly activations: readonly ActivationStatistics[] | undefined;
  readonly notFinite: string | undefined;
  /** Sum of squares of the gradients, where the model gave it. */
  readonly squares: number | undefined;
}

/** A step of two models: one gives gradients, which are summed here, and one updates the weights. */
export class SeparateStep implements Step {
  readonly #train: RunnableNet;
  readonly #solver: SolverPlan;
  readonly #seed: number;
  readonly #layout: Layout;
  readonly #updater: Updater;
  /** Parameters with a max_norm. */
  readonly #normed: readonly Slot[];
  readonly #gradients: Float32Array;
  /** The gradients by parameter key. */
  readonly #views: Readonly<Record<string, Float32Array>>;
  /** Keys of the parameters that nothing depended on at the last step, whose gradients are zeros. */
  readonly #zeros = new Set<string>();

  /** The net stays its owner's to close. */
  constructor(train: RunnableNet, solver: SolverPlan, { session, seed, gradients }: StepOptions) {
    this.#train = train;
    this.#solver = solver;
    this.#seed = seed;
    this.#layout = layoutOf(train.net);
    this.#normed = normedSlots(this.#layout);
    const { rule, settings, regularization } = solver;
    this.#updater = new Updater(this.#layout, { rule: ruleOf(rule), settings, regularization }, session);
    this.#gradients = gradients ?? new Float32Array(this.#layout.length);
    this.#views = Object.fromEntries([...this.#layout.slots].map(([key, slot]) => [key, view(this.#gradients, slot)]));
  }

  newHistory(): readonly Float32Array[] {
    return this.#updater.newHistory();
  }

  async run(work: Iterations, batches: Batches, state: TrainState, progress: () => void): Promise<StepReport> {
    const { weights } = state;
    const times = { dataWaitMs: 0, gradientMs: 0, updateMs: 0 };
    const outputs = new Map<number, Readonly<Record<string, Float32Array>>>();
    const debug = new Map<number, Statistics>();
    const layers = new Map<number, LayerStatistics>();
    const losses: number[] = [];
    let rows = 0;
    let notFinite: string | undefined;
    let { iteration } = work;
    for (const rate of work.rates) {
      const pass = await this.#gradientsOf(weights, { ...work, iteration }, batches, times);
      notFinite = pass.notFinite;
      if (notFinite !== undefined) break;
      losses.push(pass.loss);
      if (isShown({ ...work, iteration })) outputs.set(iteration, pass.outputs);
      rows += pass.rows;
      const before = (pass.debug || pass.activations) && weights.slice();
      const started = performance.now();
      await this.#update(state, rate, iteration, pass.squares);
      limitNorms(weights, this.#normed);
      times.updateMs += performance.now() - started;
      if (before && pass.debug)
        debug.set(iteration, { ...pass.debug, update: updateStatistics(this.#layout, before, weights) });
      if (before && pass.activations) {
        const { iterSize } = this.#solver;
        const parameters = parameterStatistics(this.#layout, before, weights, this.#gradients, iterSize);
        layers.set(iteration, { parameters, activations: pass.activations });
      }
      iteration++;
      progress();
    }
    return { losses, outputs, times, rows, notFinite, debug, layers };
  }

  /** Gradients of one iteration, the sum over its iter_size batches. */
  async #gradientsOf(
    weights: Float32Array,
    work: Iterations,
    batches: Batches,
    times: { dataWaitMs: number; gradientMs: number },
  ): Promise<Pass> {
    const { iterSize, debugInfo } = this.#solver;
    // The same request in every iteration, shown or not: another one would be another session.
    const blobs = work.display > 0 ? this.#train.net.outputs : [];
    const sum = this.#solver.clipGradients >= 0 ? "squares" : "entries";
    const request: RunRequest = { blobs, gradients: "trainable", objective: true, sum, accumulate: iterSize > 1 };
    const shown = debugInfo && isShown(work);
    let debug: PassStatistics | undefined;
    let activations: readonly ActivationStatistics[] | undefined;
    let loss = 0;
    let rows = 0;
    let outputs: Readonly<Record<string, Float32Array>> = {};
    let squares: number | undefined;
    if (iterSize > 1) this.#gradients.fill(0);
    for (let sub = 0; sub < iterSize; sub++) {
      const waited = performance.now();
      const batch = await batches.next();
      const started = performance.now();
      times.dataWaitMs += started - waited;
      const draw = [this.#seed, work.iteration * iterSize + sub] as const;
      const result = await runNet(this.#train, request, batch, { layout: this.#layout, data: weights }, draw, {
        into: this.#views,
      });
      const all = () => this.#everything(batch, weights, draw);
      // Only where the sum is no number are gradients looked through: large ones overflow it.
      const areFinite = Number.isFinite(result.gradientSum) || Object.values(result.gradients).every(allFinite);
      if (!Number.isFinite(result.objective) || !areFinite) {
        const notFinite = firstNotFinite(this.#train.net, weights, await all());
        this.#gradients.fill(0);
        return { loss, outputs, rows, debug, activations, notFinite, squares: undefined };
      }
      if (isWatched(work) && sub === iterSize - 1)
        activations = activationStatistics(this.#train.net, await this.#blobs(batch, weights, draw));
      if (shown) debug = passStatistics(this.#train.net, this.#layout, weights, await all());
      this.#keep(result.gradients);
      if (sum === "squares") squares = result.gradientSum;
      for (const [key, value] of Object.entries(result.states)) view(weights, this.#layout.slots.get(key)!).set(value);
      loss += result.objective;
      outputs = result.blobs;
      rows += Object.values(batch)[0]?.shape[0] ?? 0;
      batches.recycle(batch, result.blobs);
      times.gradientMs += performance.now() - started;
    }
    return { loss: loss / iterSize, outputs, rows, debug, activations, notFinite: undefined, squares };
  }

  /** The last forward once more, with every blob. */
  async #blobs(batch: Tensors, weights: Float32Array, draw: Draw): Promise<RunResult["blobs"]> {
    const request: RunRequest = { blobs: [...this.#train.net.blobs.keys()] };
    const values = { layout: this.#layout, data: weights };
    return (await runNet(this.#train, request, batch, values, draw, { again: true })).blobs;
  }

  /** The last forward once more, with every blob and every gradient. */
  #everything(batch: Tensors, weights: Float32Array, draw: Draw): Promise<RunResult> {
    const request: RunRequest = { blobs: [...this.#train.net.blobs.keys()], gradients: "blobs", objective: true };
    return runNet(this.#train, request, batch, { layout: this.#layout, data: weights }, draw, { again: true });
  }

  /** Has the sums hold the gradients that were not written there. Those that nothing depends on stay zeros. */
  #keep(gradients: Readonly<Record<string, Float32Array>>): void {
    for (const [key, sum] of Object.entries(this.#views)) {
      const gradient = gradients[key];
      if (gradient === undefined && !this.#zeros.has(key)) {
        sum.fill(0);
        this.#zeros.add(key);
      }
      if (gradient === undefined) continue;
      this.#zeros.delete(key);
      if (sum !== gradient) sum.set(gradient);
    }
  }

  #update(state: TrainState, rate: number, iteration: number, squares: number | undefined): Promise<void> {
    const { rule, settings, iterSize, weightDecay, clipGradients } = this.#solver;
    let scale = 1 / iterSize;
    if (clipGradients >= 0) {
      const norm = squares !== undefined && Number.isFinite(squares) ? Math.sqrt(squares) : l2Norm(this.#gradients);
      if (norm > clipGradients) scale *= clipGradients / norm;
    }
    const correction = ruleOf(rule).correction?.(iteration + 1, settings) ?? 1;
    const step = { rate: rate * correction, decay: weightDecay, scale };
    return this.#updater.apply({ ...state, gradients: this.#gradients }, step);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#updater[Symbol.asyncDispose]();
  }
}

const isShown = ({ iteration, display }: Iterations): boolean => display > 0 && iteration % display === 0;

/** Tests whether an iteration is to have layer statistics. */
export const isWatched = ({ iteration, statistics = 0 }: Pick<Iterations, "iteration" | "statistics">): boolean =>
  statistics > 0 && iteration % statistics === 0;

function l2Norm(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}
