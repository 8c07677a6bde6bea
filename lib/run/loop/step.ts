import { type ByteRows, valuesOf } from "../../data/feed/byte-rows.js";
import type { Tensors } from "../../data/tensor.js";
import { count } from "../../graph/index.js";
import { type Layout, layoutOf } from "../../net/layout.js";
import type { SessionOptions } from "../../onnx/session.js";
import { ruleOf } from "../../optim/whole-batch.js";
import { inputsOf } from "../inputs.js";
import type { RunnableNet } from "../open-net.js";
import type { SolverPlan } from "../plan.js";
import { SeparateStep, type StepOptions } from "../separate-step.js";
import type { Batches, Iterations, Step, StepReport, TrainState } from "../step.js";
import { LoopRound } from "./round.js";

/** Most iterations of one run of onnxruntime. */
export const MOST_ITERATIONS = 100;
/** Most bytes of a run's batches, which go up at once. */
const MOST_BYTES = 512 * 2 ** 20;
/** A run is to end after this time: it can be neither stopped nor shown before. */
const RUN_MS = 4000;
const NO_BYTES: ReadonlyMap<string, ByteRows> = new Map();
/** Iterations of the first two runs: one that compiles, and one that is timed. */
const FIRST = [1, 10];

/** Tests whether training is to run as a loop in one run of onnxruntime, where the net can. */
export const usesLoop = ({ loop, provider }: SessionOptions): boolean => loop ?? provider === "cuda";

/** Reason why a net's training cannot be one graph a round; undefined where it can. */
export function whyNoLoop({ net, program }: RunnableNet, { debugInfo }: SolverPlan): string | undefined {
  if (debugInfo) return "debug_info shows every blob of an iteration";
  if (net.files.length > 0) return "a layer writes files";
  if (net.parameters.some(({ maxNorm }) => maxNorm !== undefined)) return "weights have a max_norm";
  const shapes = new Map([...net.inputs].map(([name, { type }]) => [name, type.shape] as const));
  if (program.dependsOnData?.(shapes)) return "the size of a layer depends on its data";
  return undefined;
}

/**
 * A step whose iterations are a loop inside one run of onnxruntime, so that weights and history stay on the device. Where an iteration has a
 * number that is not finite, the iterations of its run are done once more one by one.
 */
export class LoopStep implements Step {
  readonly takesBytes = true;
  readonly #train: RunnableNet;
  readonly #solver: SolverPlan;
  readonly #options: StepOptions;
  readonly #layout: Layout;
  readonly #separate: SeparateStep;
  /** Rounds by whether outputs are shown and gradients kept. */
  readonly #rounds = new Map<string, Promise<LoopRound>>();
  #runs = 0;
  #iterationMs = 0;

  /** The net stays its owner's to close. */
  constructor(train: RunnableNet, solver: SolverPlan, options: StepOptions) {
    this.#train = train;
    this.#solver = solver;
    this.#options = options;
    this.#layout = layoutOf(train.net);
    this.#separate = new SeparateStep(train, solver, options);
  }

  /** Most iterations of a round whose data fits. */
  #most(byteRows: ReadonlyMap<string, ByteRows>): number {
    const { net } = this.#train;
    const bytes = [...net.inputs, ...net.randoms.map((leaf) => ["", leaf] as const)].reduce((sum, [name, { type }]) => {
      const rows = byteRows.get(name);
      return sum + (rows ? type.shape[0]! * count(rows.shape) : 4 * count(type.shape));
    }, 0);
    return Math.max(1, Math.min(MOST_ITERATIONS, Math.floor(MOST_BYTES / (bytes * this.#solver.iterSize))));
  }

  newHistory(): readonly Float32Array[] {
    return this.#separate.newHistory();
  }

  async run(work: Iterations, batches: Batches, state: TrainState, progress: () => void): Promise<StepReport> {
    const reports: StepReport[] = [];
    for (let done = 0; done < work.rates.length; ) {
      const iteration = work.iteration + done;
      const rates = work.rates.slice(done);
      const n = Math.min(this.#most(batches.byteRows ?? NO_BYTES), this.#iterations({ ...work, iteration, rates }));
      const part = { ...work, iteration, rates: rates.slice(0, n) };
      const report = await this.#run(part, batches, state);
      reports.push(report);
      done += n;
      if (report.notFinite !== undefined) break;
      progress();
    }
    return joined(reports);
  }

  /** Iterations of the next run: it ends after one that is displayed, and before one with statistics, which is a run of its own. */
  #iterations({ iteration, rates, display, statistics }: Iterations): number {
    const timed = Math.max(1, Math.floor(RUN_MS / this.#iterationMs));
    const most = Math.min(rates.length, FIRST[this.#runs] ?? timed);
    const untilShown = display > 0 ? 1 + ((display - (iteration % display)) % display) : most;
    return Math.min(most, untilShown, Math.max(1, untilWatched({ iteration, statistics })));
  }

  async #run(work: Iterations, batches: Batches, state: TrainState): Promise<StepReport> {
    const { net, program } = this.#train;
    const { iterSize } = this.#solver;
    const { iteration, display } = work;
    const waited = performance.now();
    const gradients = work.dropsGradients ? undefined : this.#options.gradients;
    const round = await this.#round(display > 0, gradients !== undefined, batches.byteRows ?? NO_BYTES);
    // Batches are handed back as soon as they are copied; from the first of another shape on, they are kept as they are.
    const kept: Tensors[] = [];
    const total = work.rates.length * iterSize;
    let rows = 0;
    for (let i = 0; i < total; i++) {
      const batch = await batches.next();
      rows += Object.values(batch)[0]?.shape[0] ?? 0;
      const values = new Map([...net.inputs].filter(([name]) => !batch[name]?.holdsBytes));
      inputsOf(values, batch);
      const fits = kept.length === 0 && [...net.inputs.keys()].every((name) => round.put(name, i, batch[name]!));
      if (fits) batches.recycle(batch, {});
      else kept.push(batch);
    }
    const started = performance.now();
    const copyOf = (i: number): Tensors =>
      Object.fromEntries([...net.inputs.keys()].map((name) => [name, round.taken(name, i)] as const));
    const oneByOne = async () => {
      const copied = Array.from({ length: total - kept.length }, (_, i) => copyOf(i));
      const report = await this.#separate.run(work, given(copied, kept, batches), state, () => {});
      return { ...report, times: { ...report.times, dataWaitMs: started - waited } };
    };
    if (kept.length > 0 || untilWatched(work) === 0) return oneByOne();
    const rates = work.rates.map((rate, i) => rate * this.#correction(iteration + i));
    const draw = [this.#options.seed, iteration * iterSize] as const;
    const result = await round.run({ state, carries: program.carried ?? {}, rates, draw });
    if (!result.isFinite) return oneByOne();
    result.commit(state, gradients);
    program.carry?.(result.carries);
    const last = iteration + work.rates.length - 1;
    const outputs = new Map<number, Readonly<Record<string, Float32Array>>>();
    if (display > 0 && last % display === 0) {
      const fed = Object.entries(copyOf(total - 1)).map(([name, { data }]) => [name, data.slice()] as const);
      const all: Readonly<Record<string, Float32Array>> = { ...Object.fromEntries(fed), ...result.shown };
      outputs.set(last, Object.fromEntries(net.outputs.map((name) => [name, all[name]!])));
    }
    const gradientMs = performance.now() - started;
    if (++this.#runs > 1) this.#iterationMs = gradientMs / work.rates.length;
    return {
      losses: work.rates.map((__, i) => meanOf(result.objectives, i, iterSize)),
      outputs,
      times: { dataWaitMs: started - waited, gradientMs, updateMs: 0 },
      rows,
    };
  }

  #correction(iteration: number): number {
    const { rule, settings } = this.#solver;
    return ruleOf(rule).correction?.(iteration + 1, settings) ?? 1;
  }

  #round(shows: boolean, gradients: boolean, byteRows: ReadonlyMap<string, ByteRows>): Promise<LoopRound> {
    const key = `${shows} ${gradients} ${[...byteRows.keys()]}`;
    const known = this.#rounds.get(key);
    if (known) return known;
    const { net } = this.#train;
    const blobs = shows ? net.outputs : [];
    const most = this.#most(byteRows);
    const spec = { net, layout: this.#layout, solver: this.#solver, blobs, byteRows, gradients, most };
    const round = LoopRound.open(spec, this.#options.session);
    this.#rounds.set(key, round);
    // A refusal (untrainable nets) is thrown to whoever asks, and leaves nothing to close.
    round.catch(() => this.#rounds.delete(key));
    return round;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const round of this.#rounds.values()) await (await round)[Symbol.asyncDispose]();
    this.#rounds.clear();
    await this.#separate[Symbol.asyncDispose]();
  }
}

/** Iterations before the next one that has statistics. */
const untilWatched = ({ iteration, statistics = 0 }: Pick<Iterations, "iteration" | "statistics">): number =>
  statistics > 0 ? (statistics - (iteration % statistics)) % statistics : Number.POSITIVE_INFINITY;

/** Batches that were taken already: copies, then those that go back to where they are from; bytes as the values that they stand for. */
function given(copied: readonly Tensors[], kept: readonly Tensors[], from: Batches): Batches {
  const rest = [...copied, ...kept];
  const own = new Map<Tensors, Tensors>();
  return {
    async next() {
      const batch = rest.shift()!;
      const tensors = Object.entries(batch).map(([name, tensor]) => {
        return [name, tensor.holdsBytes ? valuesOf(from.byteRows!.get(name)!, tensor) : tensor] as const;
      });
      const values = Object.fromEntries(tensors);
      if (kept.includes(batch)) own.set(values, batch);
      return values;
    },
    recycle(batch, results) {
      const taken = own.get(batch);
      if (taken) from.recycle(taken, results);
    },
  };
}

/** The mean objective of iteration i's batches, summed as numbers are. */
function meanOf(objectives: Float32Array, i: number, iterSize: number): number {
  let sum = 0;
  for (let batch = i * iterSize; batch < (i + 1) * iterSize; batch++) sum += objectives[batch]!;
  return sum / iterSize;
}

function joined(reports: readonly StepReport[]): StepReport {
  const sum = (of: (report: StepReport) => number) => reports.reduce((total, report) => total + of(report), 0);
  return {
    losses: reports.flatMap(({ losses }) => losses),
    outputs: new Map(reports.flatMap(({ outputs }) => [...outputs])),
    times: {
      dataWaitMs: sum(({ times }) => times.dataWaitMs),
      gradientMs: sum(({ times }) => times.gradientMs),
      updateMs: sum(({ times }) => times.updateMs),
    },
    rows: sum(({ rows }) => rows),
    notFinite: reports.at(-1)?.notFinite,
    debug: new Map(reports.flatMap(({ debug }) => [...(debug ?? [])])),
    layers: new Map(reports.flatMap(({ layers }) => [...(layers ?? [])])),
  };
}
