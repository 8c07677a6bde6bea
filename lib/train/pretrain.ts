import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { Net } from "../api/net.js";
import { filterNet } from "../caffe/filter.js";
import { type From, loadSolver } from "../caffe/load.js";
import { amend, has, sub } from "../caffe/message.js";
import {
  type LayerParameter,
  type NetParameter,
  PretrainParameter_Kind as Kinds,
  type SolverParameter,
  RBMParameter_Units as Units,
} from "../caffe/messages.js";
import { type SolverNet, solverNets } from "../caffe/solver-nets.js";
import type { StoredBlob, StoredWeights } from "../caffe/stored.js";
import { weightPieces } from "../caffe/weight-pieces.js";
import type { Tensor } from "../data/tensor.js";
import { NetrunError } from "../error.js";
import { makeOutputFolder, replaceFile, writePieces } from "../file.js";
import {
  blobsOfStage,
  inputBlob,
  PRETRAINING_OUTPUTS,
  type PretrainedBlobs,
  type PretrainingChoice,
  pretrainedBlobs,
  pretrainingNet,
  pretrainingStages,
  type Stage,
  type UnitKind,
  visibleUnits,
} from "../layers/pretraining.js";
import type { StackedLayer } from "../layers/pretrained-stack.js";
import { checkOptions } from "../options/option.js";
import { printText } from "../text/print.js";
import { PRETRAINING } from "../options/pretraining.js";
import { PretrainedParts, type PretrainScores } from "./pretrained-parts.js";
import { Solver, type SolverOptions } from "./solver.js";
import type { Action } from "./requests.js";
import { trainingLoop } from "./training-loop.js";

/** Layer-wise pretraining of a solver's net. */
export interface PretrainOptions
  extends Pick<
    SolverOptions,
    | "baseDir"
    | "batchSize"
    | "data"
    | "devices"
    | "level"
    | "onBadRecord"
    | "onWarning"
    | "provider"
    | "stages"
    | "strict"
    | "threads"
    | "transform"
    | "weights"
  > {
  /** A solver's prototxt (path or text), or the message: its train net, its seed. */
  readonly solver: From<SolverParameter>;
  /** Method by which each layer is trained. Default "rbm". */
  readonly kind?: PretrainingChoice["kind"] | undefined;
  /** InnerProduct layers by name, in order; default those with an activation, or the encoder of a deep autoencoder. */
  readonly layers?: readonly string[] | undefined;
  /** Iterations of each layer. Default 1000. */
  readonly iterations?: number | undefined;
  /** Learning rate. Default 0.1. */
  readonly rate?: number | undefined;
  /** Default 0.5. */
  readonly momentum?: number | undefined;
  /** Default 0. */
  readonly weightDecay?: number | undefined;
  /** Units of the first layer's input. Default "binary" for data, which is then between 0 and 1. */
  readonly visible?: UnitKind | undefined;
  /** Steps of Gibbs sampling of an RBM. Default 1. */
  readonly cdSteps?: number | undefined;
  /** True if an RBM's chains go on from batch to batch. Default false. */
  readonly persistent?: boolean | undefined;
  /** Share of an autoencoder's inputs that are set to 0. Default 0.3. */
  readonly corruption?: number | undefined;
  /** True if an autoencoder's decoder has the encoder's weights. Default true. */
  readonly tied?: boolean | undefined;
  /** Seed of fillers and samples; default the solver's. */
  readonly seed?: number | undefined;
  /** The .caffemodel to write. */
  readonly output?: string | undefined;
  /** Asked after every iteration; "stop" ends the pretraining without a `pretrain-done`. */
  readonly action?: (() => Action) | undefined;
}

/** A layer that is pretrained: as what, and its numbers of units. */
export interface PretrainedLayer {
  readonly layer: string;
  readonly method: PretrainingChoice["kind"];
  readonly visibleUnits: UnitKind;
  readonly visible: number;
  readonly hidden: number;
  /** The decoder's layer that gets the transposed weights. */
  readonly decoder?: string | undefined;
}

/** Events of a pretraining. */
export type PretrainEvent =
  | { readonly kind: "pretrain-start"; readonly layers: readonly PretrainedLayer[]; readonly iterations: number }
  | ({ readonly kind: "pretrain-iteration"; readonly layer: string; readonly iteration: number } & PretrainScores)
  | ({ readonly kind: "pretrain-layer"; readonly first: PretrainScores } & PretrainedLayer & PretrainScores)
  | {
      readonly kind: "pretrain-done";
      /** The blobs of the net's layers, decoders among them, by name. */
      readonly weights: StoredWeights;
      /** The file that they were written to. */
      readonly path?: string | undefined;
      /** The machines or autoencoders, from the data up. */
      readonly stack: readonly StackedLayer[];
      /** A batch of what the first of them was trained on. */
      readonly data: Tensor;
    };

/** Lines that a layer's pretraining has. */
const LINES = 10;

const scoresOf = (outputs: Readonly<Record<string, readonly number[]>>): PretrainScores => {
  const { loss, error, energy } = PRETRAINING_OUTPUTS;
  const freeEnergy = outputs[energy]?.[0];
  return {
    loss: outputs[loss]![0]!,
    reconstructionError: outputs[error]![0]!,
    ...(freeEnergy !== undefined && { freeEnergy }),
  };
};

/**
 * Pretrains the InnerProduct layers of a solver's net one after another, each on the activations of those before it: an iterable of
 * events. The last one has the weights, with which `train` fine-tunes the net (`weights`). Ending the loop over the events ends it.
 * Options that are not given are those of the solver's `pretrain`. Throws NetrunError for a net without such layers, for binary units on data that is not between 0 and 1, and for what is wrong with the solver.
 */
export async function* pretrain(given: PretrainOptions): AsyncGenerator<PretrainEvent, void> {
  const { message, baseDir } = loadSolver(given.solver, given);
  const options = { ...optionsOf(message), ...withoutUndefined(given) };
  checkOptions(PRETRAINING, options);
  const { kind = "rbm", iterations = 1000, output } = options;
  refuseUnused(given, kind);
  const base = options.baseDir ?? baseDir;
  const { train: source } = solverNets(message, { ...options, baseDir: base });
  const { layer: layers } = filterNet(source.net, source.state);
  const probe = await probeNet(source, layers, options, base);
  const shapesOf = (name: string) => (probe.params.get(name) ?? []).map(({ shape }) => shape);
  const stages = pretrainingStages(layers, shapesOf, options.layers);
  const choices = stages.map((stage, i) => ({
    kind,
    visible: i === 0 && options.visible !== undefined ? options.visible : visibleUnits(layers, stage),
    cdSteps: options.cdSteps ?? 1,
    persistent: options.persistent ?? false,
    corruption: options.corruption ?? 0.3,
    tied: options.tied ?? true,
  }));
  const sizeOf = (blob: string) => probe.blobs.get(blob)?.data.length ?? 0;
  const data = probe.blobs.get(inputBlob(layers, stages[0]!, sizeOf))!;
  checkUnits(stages[0]!, choices[0]!, data);
  const described = stages.map((stage, i): PretrainedLayer => {
    const [rows, columns] = shapesOf(stage.layer.name)[0] as [number, number];
    const [hidden, visible] = stage.param.transpose ? [columns, rows] : [rows, columns];
    const { visible: visibleUnits } = choices[i]!;
    const decoder = stage.decoder?.name;
    return {
      layer: stage.layer.name,
      method: kind,
      visibleUnits,
      visible,
      hidden,
      ...(decoder !== undefined && { decoder }),
    };
  });
  if (output !== undefined) makeOutputFolder(dirname(output));
  yield { kind: "pretrain-start", layers: described, iterations };
  const weights = new Map<string, readonly StoredBlob[]>();
  const stack: StackedLayer[] = [];
  const take = (stage: Stage, i: number, blobs: PretrainedBlobs): void => {
    stack.push({ ...blobs, method: kind, visibleUnits: choices[i]!.visible, activation: stage.activation?.type });
    for (const [name, each] of blobsOfStage(stage, blobs)) weights.set(name, each);
  };
  const parts = new PretrainedParts(output, keyOf(message, source, options));
  for (const [i, stage] of stages.entries()) {
    const { hidden, visible } = described[i]!;
    const finished = parts.get(stage.layer.name, hidden, visible);
    if (finished) {
      take(stage, i, finished.blobs);
      yield { kind: "pretrain-layer", ...described[i]!, first: finished.first, ...finished.last };
      continue;
    }
    const net = pretrainingNet(source.net, layers, stage, choices[i]!, shapesOf);
    await using solver = await Solver.load(settingsOf(message, source, net, options), solverOptions(options, base));
    for (const [name, blobs] of solver.net.params) {
      if (name === stage.layer.name) continue;
      // The layers below: pretrained ones, and others as training will start with them.
      for (const [j, { data }] of (weights.get(name) ?? probe.params.get(name) ?? []).entries())
        blobs[j]!.data.set(data);
    }
    let first: PretrainScores | undefined;
    let scores: PretrainScores | undefined;
    for await (const event of trainingLoop(solver, { action: options.action })) {
      if (event.kind !== "iteration" || !event.display) continue;
      scores = scoresOf(event.outputs);
      first ??= scores;
      yield { kind: "pretrain-iteration", layer: stage.layer.name, iteration: event.iteration, ...scores };
    }
    if (solver.iteration < iterations) return;
    const blobs = pretrainedBlobs(stage, solver.net.params);
    take(stage, i, blobs);
    await parts.add(stage.layer.name, { blobs, first: first!, last: scores! });
    yield { kind: "pretrain-layer", ...described[i]!, first: first!, ...scores! };
  }
  if (output !== undefined) {
    const net = amend(source.net, { layer: layers });
    await replaceFile(output, (file) => writePieces(file, weightPieces(net, weights)));
    parts.finish();
  }
  yield { kind: "pretrain-done", weights, ...(output !== undefined && { path: output }), stack, data };
}

/** All that the weights of a pretraining depend on but the contents of files; undefined for rows of a program, which nothing names. */
function keyOf(solver: SolverParameter, { net, state }: SolverNet, options: PretrainOptions): string | undefined {
  const { action: _, onWarning: __, output: ___, solver: ____, data, ...rest } = options;
  if (data !== undefined && typeof data !== "string" && !("kind" in data)) return undefined;
  return createHash("sha256")
    .update(JSON.stringify([printText(solver), printText(net), printText(state), data, rest]))
    .digest("hex");
}

/** Throws NetrunError for options of the other kind, which would change nothing. */
function refuseUnused(given: PretrainOptions, kind: PretrainingChoice["kind"]): void {
  const others = kind === "rbm" ? (["corruption", "tied"] as const) : (["cdSteps", "persistent"] as const);
  const unused = others.find((name) => given[name] !== undefined);
  if (unused !== undefined)
    throw new NetrunError(`${unused} has no effect: it is for ${kind === "rbm" ? "autoencoders" : "machines (rbm)"}`);
}

/** Options that a solver's `pretrain` gives. */
function optionsOf(solver: SolverParameter): Partial<PretrainOptions> {
  if (!has(solver, "pretrain")) return {};
  const given = sub(solver, "pretrain");
  const { layer, iterations, base_lr, momentum, weight_decay, cd_steps, persistent, corruption, tied } = given;
  return {
    kind: given.kind === Kinds.AUTOENCODER ? "autoencoder" : "rbm",
    ...(layer.length > 0 && { layers: layer }),
    ...(has(given, "visible") && { visible: given.visible === Units.GAUSSIAN ? "gaussian" : "binary" }),
    ...{ iterations, rate: base_lr, momentum, weightDecay: weight_decay },
    ...{ cdSteps: cd_steps, persistent, corruption, tied },
  };
}

const withoutUndefined = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;

/** A net's parameter blobs by layer as training starts with them, and the blobs of a batch. */
interface Probe {
  readonly params: ReadonlyMap<string, readonly StoredBlob[]>;
  readonly blobs: ReadonlyMap<string, Tensor>;
}

async function probeNet(
  { net, state }: SolverNet,
  layers: readonly LayerParameter[],
  options: PretrainOptions,
  baseDir: string | undefined,
): Promise<Probe> {
  const { data, batchSize, onBadRecord, transform, weights, seed } = options;
  const given = { data, batchSize, onBadRecord, transform, weights, ...(seed !== undefined && { seed }) };
  const filtered = amend(net, { layer: layers, state });
  await using loaded = await Net.load(filtered, {
    ...given,
    phase: "TRAIN",
    ...(baseDir !== undefined && { baseDir }),
  });
  const bottoms = layers.flatMap(({ bottom }) => bottom);
  const blobs = await loaded.forward({}, { blobs: [...new Set(bottoms)] });
  const copied = Object.entries(blobs).map(
    ([name, { shape, data: values }]) => [name, { shape, data: values.slice() }] as const,
  );
  const params = new Map(
    [...loaded.params].map(([name, each]) => [name, each.map(({ shape, data }) => ({ shape, data: data.slice() }))]),
  );
  return { params, blobs: new Map(copied) };
}

/** Throws NetrunError where binary units are not between 0 and 1. */
function checkUnits({ layer }: Stage, { visible }: PretrainingChoice, { data }: Tensor): void {
  if (visible !== "binary") return;
  const [from, to] = data.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [0, 0]);
  if (from >= 0 && to <= 1) return;
  throw new NetrunError(
    `blob "${layer.bottom[0]}" has values from ${from} to ${to}: binary units are between 0 and 1`,
    {
      notes: [
        "pixels are with transform_param { scale: 0.00390625 } (--scale 0.00390625)",
        "standardised numbers are Gaussian units: --visible gaussian",
      ],
    },
  );
}

function settingsOf(
  solver: SolverParameter,
  source: SolverNet,
  net: NetParameter,
  { iterations = 1000, rate = 0.1, momentum = 0.5, weightDecay = 0, seed }: PretrainOptions,
): SolverParameter {
  return amend<SolverParameter>(solver, {
    net: null,
    train_net: null,
    net_param: null,
    train_net_param: amend(net, { state: source.state }),
    test_net: null,
    test_net_param: null,
    test_state: null,
    test_iter: null,
    test_interval: null,
    weights: null,
    type: "SGD",
    base_lr: rate,
    lr_policy: "fixed",
    momentum,
    weight_decay: weightDecay,
    regularization_type: "L2",
    clip_gradients: null,
    l1_decay: 0,
    batch_iterations: 1,
    pretrain: null,
    iter_size: 1,
    max_iter: iterations,
    display: Math.max(1, Math.floor(iterations / LINES)),
    snapshot: 0,
    snapshot_after_train: false,
    snapshot_diff: false,
    debug_info: false,
    ...(seed !== undefined && { random_seed: seed }),
  });
}

function solverOptions(options: PretrainOptions, baseDir: string | undefined): SolverOptions {
  const { batchSize, data, devices, level, onBadRecord, onWarning, provider, stages, strict, threads, transform } =
    options;
  return {
    batchSize,
    data,
    devices,
    level,
    onBadRecord,
    onWarning,
    provider,
    stages,
    strict,
    threads,
    transform,
    calibrate: false,
    ...(baseDir !== undefined && { baseDir }),
  };
}
