import type { Tensors } from "../../data/tensor.js";
import { count, type Elements, inputName, sameShape } from "../../graph/index.js";
import { type Layout, layoutOf, view } from "../../net/layout.js";
import type { DeviceTensor, ResidentSession } from "../../onnx/resident.js";
import type { SessionOptions } from "../../onnx/session.js";
import { ruleOf } from "../../optim/whole-batch.js";
import { feeds, OBJECTIVE, SUMS, sumName } from "../compiled-net.js";
import { inputsOf } from "../inputs.js";
import { whyNoLoop } from "../loop/step.js";
import { historyName, newName, rateName, trainedSlots } from "../loop/graph.js";
import type { LayerStatistics } from "../layer-statistics.js";
import type { RunnableNet } from "../open-net.js";
import type { SolverPlan } from "../plan.js";
import { isWatched, SeparateStep, type StepOptions } from "../separate-step.js";
import type { Batches, Iterations, Step, StepReport, TrainState } from "../step.js";
import {
  decayName,
  type GradientModel,
  gradientInput,
  openGradients,
  openTransfers,
  openUpdate,
  SCALE,
  type Transfers,
} from "./models.js";
import { DeviceTensors, disposeAll } from "./tensors.js";

/** The sessions of a step. */
interface Models {
  readonly gradients: GradientModel;
  readonly update: ResidentSession;
  readonly transfers: Transfers;
}

/** Tests whether training is to stay on the device over the iterations of a round, where the net can. */
export const isResident = ({ provider }: SessionOptions): boolean => provider === "webgpu";

/** Reason why a net's training cannot stay on the device; undefined where it can. */
export function whyNotResident(train: RunnableNet, solver: SolverPlan): string | undefined {
  return whyNoLoop(train, solver) ?? (layoutOf(train.net).trainable === 0 ? "nothing is trained" : undefined);
}

/** Results of an iteration; undefined where a number is not finite, and nothing is changed then. */
interface Done {
  readonly loss: number;
  readonly shown: Readonly<Record<string, Float32Array>>;
  readonly gradientMs: number;
  readonly updateMs: number;
}

type Named<T> = Readonly<Record<string, T>>;

/**
 * A step on WebGPU whose weights, history, gradients and recurrent state stay in the GPU's memory over the iterations of a round: they go up before
 * it and come back after it. Batches and random numbers go up for each batch; what is read of each is the objective, a sum that shows
 * whether all is finite, and shown blobs. An iteration that has a number that is not finite is done once more by the step of two models.
 */
export class ResidentStep implements Step {
  readonly #train: RunnableNet;
  readonly #solver: SolverPlan;
  readonly #options: StepOptions;
  readonly #layout: Layout;
  readonly #separate: SeparateStep;
  readonly #models = new Map<boolean, Promise<Models>>();

  /** The net stays its owner's to close. */
  constructor(train: RunnableNet, solver: SolverPlan, options: StepOptions) {
    this.#train = train;
    this.#solver = solver;
    this.#options = options;
    this.#layout = layoutOf(train.net);
    this.#separate = new SeparateStep(train, solver, options);
  }

  newHistory(): readonly Float32Array[] {
    return this.#separate.newHistory();
  }

  async run(work: Iterations, batches: Batches, state: TrainState, progress: () => void): Promise<StepReport> {
    const models = await this.#opened(work.display > 0);
    const times = { dataWaitMs: 0, gradientMs: 0, updateMs: 0 };
    const outputs = new Map<number, Named<Float32Array>>();
    const layers = new Map<number, LayerStatistics>();
    const losses: number[] = [];
    let rows = 0;
    let last: Named<DeviceTensor> = {};
    let device = await this.#up(models, state);
    try {
      for (const [i, rate] of work.rates.entries()) {
        const iteration = work.iteration + i;
        const waited = performance.now();
        const taken: Tensors[] = [];
        for (let sub = 0; sub < this.#solver.iterSize; sub++) taken.push(await batches.next());
        times.dataWaitMs += performance.now() - waited;
        disposeAll(Object.values(last));
        last = {};
        const isResident = !isWatched({ ...work, iteration }) && this.#fits(taken);
        const done = isResident
          ? await this.#iterate(models, device, taken, iteration, rate, (gradients) => {
              last = gradients;
            })
          : undefined;
        if (!done) {
          await this.#down(models, device, last, state);
          device[Symbol.dispose]();
          const one = { ...work, iteration, rates: [rate] };
          const report = await this.#separate.run(one, given(taken, batches), state, progress);
          losses.push(...report.losses);
          for (const [at, blobs] of report.outputs) outputs.set(at, blobs);
          for (const [at, statistics] of report.layers ?? []) layers.set(at, statistics);
          rows += report.rows;
          if (report.notFinite !== undefined)
            return { losses, outputs, layers, times, rows, notFinite: report.notFinite };
          device = await this.#up(models, state);
          continue;
        }
        losses.push(done.loss);
        times.gradientMs += done.gradientMs;
        times.updateMs += done.updateMs;
        rows += taken.reduce((sum, batch) => sum + (Object.values(batch)[0]?.shape[0] ?? 0), 0);
        if (work.display > 0 && iteration % work.display === 0) outputs.set(iteration, done.shown);
        for (const batch of taken) batches.recycle(batch, done.shown);
        progress();
      }
      const started = performance.now();
      await this.#down(models, device, work.dropsGradients ? {} : last, state);
      times.updateMs += performance.now() - started;
      return { losses, outputs, layers, times, rows };
    } finally {
      disposeAll(Object.values(last));
      device[Symbol.dispose]();
    }
  }

  /** Tests whether batches have the shapes that the net was lowered for. */
  #fits(taken: readonly Tensors[]): boolean {
    const { inputs } = this.#train.net;
    return taken.every((batch) =>
      [...inputsOf(inputs, batch).shapes].every(([name, shape]) => sameShape(shape, inputs.get(name)!.type.shape)),
    );
  }

  /** One iteration on the device. `keep` gets the gradients that it leaves. */
  async #iterate(
    models: Models,
    device: DeviceTensors,
    taken: readonly Tensors[],
    iteration: number,
    rate: number,
    keep: (gradients: Named<DeviceTensor>) => void,
  ): Promise<Done | undefined> {
    const { iterSize } = this.#solver;
    const started = performance.now();
    let gradients: Named<DeviceTensor> = {};
    let shown: Named<Float32Array> = {};
    let loss = 0;
    let squares = 0;
    try {
      for (const [sub, batch] of taken.entries()) {
        const pass = await this.#pass(models, device, batch, iteration * iterSize + sub, gradients);
        disposeAll(Object.values(gradients));
        gradients = pass.gradients;
        if (!Number.isFinite(pass.objective) || !Number.isFinite(pass.sum)) {
          device.undo();
          return undefined;
        }
        ({ sum: squares, shown } = pass);
        loss += pass.objective;
      }
      const passed = performance.now();
      await this.#update(models.update, device, gradients, iteration, rate, squares);
      device.keep();
      keep(gradients);
      gradients = {};
      const ended = performance.now();
      return { loss: loss / iterSize, shown, gradientMs: passed - started, updateMs: ended - passed };
    } finally {
      disposeAll(Object.values(gradients));
    }
  }

  /** A forward and backward of one batch; gradients are added to those that are given. */
  async #pass(
    { gradients: model }: Models,
    device: DeviceTensors,
    batch: Tensors,
    counter: number,
    before: Named<DeviceTensor>,
  ) {
    const { net } = this.#train;
    const { data } = inputsOf(net.inputs, batch);
    const draw = [this.#options.seed, counter] as const;
    const fed: Record<string, Elements | DeviceTensor> = feeds(net, { data, weights: new Map(), draw });
    const sums = Object.fromEntries(Object.entries(before).map(([key, tensor]) => [sumName(key), tensor]));
    const { values, kept } = await model.session.run({ ...fed, ...device.all, ...sums });
    const gradients: Record<string, DeviceTensor> = {};
    const shown: Record<string, Float32Array> = {};
    for (const name of net.outputs) if (data[name]) shown[name] = data[name];
    for (const [output, { group, name }] of model.ends) {
      if (group === "blobs") shown[name] = values[output]!;
      else if (group === "gradients") gradients[name] = kept[output]!;
      else device.replace(group === "states" ? `param:${name}` : name, kept[output]!);
    }
    const sum = (values[SUMS] ?? new Float32Array(0)).reduce((total, each) => total + each, 0);
    return { gradients, shown, objective: values[OBJECTIVE]?.[0] ?? 0, sum };
  }

  async #update(
    session: ResidentSession,
    device: DeviceTensors,
    gradients: Named<DeviceTensor>,
    iteration: number,
    given: number,
    squares: number,
  ): Promise<void> {
    const { rule, settings, iterSize, weightDecay, clipGradients } = this.#solver;
    const rate = given * (ruleOf(rule).correction?.(iteration + 1, settings) ?? 1);
    const norm = Math.sqrt(squares);
    const clip = clipGradients >= 0 && norm > clipGradients ? clipGradients / norm : 1;
    const fed: Record<string, Elements | DeviceTensor> = { ...device.all, [SCALE]: Float32Array.of(clip / iterSize) };
    for (const [key, tensor] of Object.entries(gradients)) fed[gradientInput(key)] = tensor;
    for (const [i, { lrMult, decayMult }] of this.#layout.segments.entries()) {
      fed[rateName(i)] = Float32Array.of(rate * lrMult);
      fed[decayName(i)] = Float32Array.of(weightDecay * decayMult);
    }
    const { kept } = await session.run(fed);
    for (const [name, tensor] of Object.entries(kept)) device.replace(name.slice(newName("").length), tensor);
  }

  /** Weights, history and recurrent state on the device. */
  async #up({ transfers }: Models, { weights, history }: TrainState): Promise<DeviceTensors> {
    const values: Record<string, Float32Array> = {};
    for (const [key, slot] of this.#layout.slots) values[`param:${key}`] = view(weights, slot);
    for (const slot of trainedSlots(this.#layout))
      for (const [i, vector] of history.entries()) values[historyName(i, slot.parameter.key)] = view(vector, slot);
    const { net, program } = this.#train;
    const carries = [...net.carries.keys()].flatMap((leaf) => {
      const carried = program.carried?.[inputName(leaf)!];
      return carried ? [[inputName(leaf)!, carried] as const] : [];
    });
    const whole = carries.length === net.carries.size ? await transfers.carries.up(Object.fromEntries(carries)) : {};
    return new DeviceTensors({ ...(await transfers.state.up(values)), ...(await this.#zeros(transfers)), ...whole });
  }

  /** Start of the sums of an iteration's gradients, where it has several batches. */
  #zeros({ sums }: Transfers): Promise<Named<DeviceTensor>> | undefined {
    if (this.#solver.iterSize === 1) return undefined;
    return sums.up(
      Object.fromEntries([...sums.types].map(([name, { shape }]) => [name, new Float32Array(count(shape))])),
    );
  }

  /** The same back again, with the gradients of the last iteration where they are kept. */
  async #down(
    { transfers }: Models,
    device: DeviceTensors,
    gradients: Named<DeviceTensor>,
    { weights, history }: TrainState,
  ): Promise<void> {
    const { net, program } = this.#train;
    const values = await transfers.changed.down(device.all);
    for (const [key, slot] of this.#layout.slots) {
      const next = values[`param:${key}`];
      if (next) view(weights, slot).set(next);
      for (const [i, vector] of history.entries()) {
        const own = values[historyName(i, key)];
        if (own) view(vector, slot).set(own);
      }
    }
    const names = [...net.carries.keys()].map((leaf) => inputName(leaf)!);
    const carries = device.of(names);
    if (names.length > 0 && Object.keys(carries).length === names.length)
      program.carry?.(await transfers.carries.down(carries));
    const kept = this.#options.gradients;
    if (!kept || Object.keys(gradients).length === 0) return;
    const read = await transfers.gradients.down(gradients);
    for (const [key, slot] of this.#layout.slots) {
      const gradient = read[key];
      if (gradient) view(kept, slot).set(gradient);
      else view(kept, slot).fill(0);
    }
  }

  #opened(shows: boolean): Promise<Models> {
    const known = this.#models.get(shows);
    if (known) return known;
    const opening = this.#open(shows);
    this.#models.set(shows, opening);
    // A refusal (untrainable nets) is thrown to whoever asks, and leaves nothing to close.
    opening.catch(() => this.#models.delete(shows));
    return opening;
  }

  async #open(shows: boolean): Promise<Models> {
    const { net } = this.#train;
    const { session } = this.#options;
    const spec = { net, layout: this.#layout, solver: this.#solver, blobs: shows ? net.outputs : [] };
    const gradients = await openGradients(spec, session);
    const keys = new Set(gradients.ends.flatMap(([, { group, name }]) => (group === "gradients" ? [name] : [])));
    const update = await openUpdate(spec, keys, session);
    return { gradients, update, transfers: openTransfers(spec, gradients.ends, session) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opening of this.#models.values()) {
      const { gradients, update, transfers } = await opening;
      for (const each of [gradients, update, ...Object.values(transfers)]) await each[Symbol.asyncDispose]();
    }
    this.#models.clear();
    await this.#separate[Symbol.asyncDispose]();
  }
}

/** Batches that were taken already, in order; they go back to where they are from. */
function given(taken: readonly Tensors[], from: Batches): Batches {
  const rest = [...taken];
  return { next: async () => rest.shift()!, recycle: (batch, results) => from.recycle(batch, results) };
}
