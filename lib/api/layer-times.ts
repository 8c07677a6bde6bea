import { mergeStates } from "../caffe/filter.js";
import { type From, loadNet } from "../caffe/load.js";
import { create } from "../caffe/message.js";
import { type NetParameter, Phase } from "../caffe/messages.js";
import { readWeights } from "../caffe/weights.js";
import { GivenRows } from "../data/feed/given-rows.js";
import { NetrunError } from "../error.js";
import type { Tensors } from "../data/tensor.js";
import { count } from "../graph/index.js";
import { layoutOf } from "../net/layout.js";
import { chooseSession } from "../onnx/choose-session.js";
import { runTime, type SessionOptions } from "../onnx/session.js";
import { updateRules } from "../optim/rules.js";
import { checkNumber, countRange as countOf } from "../options/number.js";
import { checkOptions } from "../options/option.js";
import { NET } from "../options/run.js";
import { type CompiledNetwork, compileNet } from "../run/compile.js";
import { type LayerTime, type Profile, profileNet } from "../run/profile.js";
import { noise } from "../run/noise.js";
import { nextBatch } from "../run/open-net.js";
import { openStep } from "../run/open-step.js";
import { always } from "../run/step.js";
import { Updater } from "../run/updater.js";
import { copyTrainedLayers, createWeights, type Weights } from "../run/weights.js";
import type { NetOptions } from "./net.js";

export type { LayerTime };

/** Net to time: in phase TRAIN where none is named. */
export interface TimeLayersOptions extends NetOptions {
  /** Passes to time, and updates. Default 50. */
  readonly iterations?: number;
}

/** Times of a net's training step. */
export interface LayerTimes extends Profile {
  /** Mean time of an update by SGD with momentum. */
  readonly updateMs: number;
  /** Mean time of whole training steps, and of what of it is outside onnxruntime; undefined where the noise gives no finite loss. */
  readonly step: { readonly stepMs: number; readonly outsideMs: number } | undefined;
  /** Rows of a batch, of the net's first input. */
  readonly images: number;
}

/**
 * Times each layer of a net forward and backward, as `caffe time`, on a batch of its data; inputs without data are noise in [0, 1).
 * Throws NetrunError, located, for what is wrong with the prototxt, the weights or the data.
 */
export async function timeLayers(from: From<NetParameter>, options: TimeLayersOptions = {}): Promise<LayerTimes> {
  checkOptions(NET, options);
  const { phase = "TRAIN", seed = 1, weights: paths = [], iterations = 50 } = options;
  checkNumber("iterations", iterations, countOf("passes"));
  const session = await chooseSession(options);
  const { message, path, baseDir } = loadNet(from, options);
  const wanted = { phase: Phase[phase], level: options.level ?? 0, stage: options.stages ?? [] };
  const state = mergeStates(message.state, create("NetState", wanted));
  await using rows = new GivenRows();
  const { shapes, batchSize, onBadRecord, transform } = options;
  const choice = { rows, data: await rows.resolve(options.data), batchSize, onBadRecord, transform, shapes };
  const compiled = await compileNet(message, {
    ...choice,
    state,
    baseDir: options.baseDir ?? baseDir,
    seed,
    session,
    caffeQuirks: options.caffeQuirks,
    onWarning: options.onWarning,
  });
  try {
    if (compiled.lowered.blobs.size === compiled.lowered.inputs.size)
      throw new NetrunError(`the net computes nothing in phase ${phase}`, { file: path });
    const weights = createWeights(layoutOf(compiled.lowered), seed);
    for (const path of [paths].flat()) copyTrainedLayers(weights, await readWeights(path), path);
    const passes = { batch: await batchOf(compiled, seed), iterations, seed, session };
    const profile = await timePasses(compiled, weights, passes);
    const [first] = compiled.lowered.inputs.values();
    const updateMs = await timeUpdates(weights, iterations, session);
    const step = await timeSteps(compiled, weights, passes);
    return { ...profile, updateMs, step, images: first?.type.shape[0] ?? 0 };
  } finally {
    for (const feed of compiled.feeds) await feed[Symbol.asyncDispose]();
    await compiled.program[Symbol.asyncDispose]();
  }
}

interface Passes {
  readonly batch: Tensors;
  readonly iterations: number;
  readonly seed: number;
  readonly session: SessionOptions;
}

/** A batch of the net's data; inputs without data are noise. */
async function batchOf({ lowered, feeds }: CompiledNetwork, seed: number): Promise<Tensors> {
  const batch = await nextBatch(feeds);
  const inputs = [...lowered.inputs].map(
    ([
      name,
      {
        type: { shape },
      },
    ]) => [name, batch[name] ?? { shape, data: noise(count(shape), seed) }],
  );
  return Object.fromEntries(inputs);
}

async function timePasses(compiled: CompiledNetwork, weights: Weights, passes: Passes): Promise<Profile> {
  const { batch, iterations, seed, session } = passes;
  const { net, lowered } = compiled;
  const data = Object.fromEntries(Object.entries(batch).map(([name, tensor]) => [name, tensor.data]));
  const layers = net.layer.map(({ name }) => name);
  return await profileNet(lowered, layers, { data, weights, draw: [seed, 0] }, iterations, session);
}

/** Times whole steps at a rate of 0, after two that do not count. */
async function timeSteps(
  compiled: CompiledNetwork,
  weights: Weights,
  { batch, iterations, seed, session }: Passes,
): Promise<LayerTimes["step"]> {
  const batches = always(batch);
  const solver = { ...SGD, weightDecay: 0, clipGradients: -1, iterSize: 1, seed, debugInfo: false };
  const train = { program: compiled.program, net: compiled.lowered };
  await using step = openStep(train, solver, { session, seed, gradients: weights.diff });
  const state = { weights: weights.data, history: step.newHistory() };
  const steps = (count: number) =>
    step.run({ iteration: 0, rates: Array(count).fill(0), display: 0 }, batches, state, () => {});
  if ((await steps(2)).notFinite !== undefined) return undefined;
  const [started, inside] = [performance.now(), runTime()];
  await steps(iterations);
  const ms = performance.now() - started;
  return { stepMs: ms / iterations, outsideMs: (ms - (runTime() - inside)) / iterations };
}

/** SGD with momentum, as most published nets were trained. */
const SGD = {
  rule: "SGD",
  settings: { momentum: 0.9, momentum2: 0.999, rms_decay: 0.99, delta: 1e-8 },
  regularization: "L2",
} as const;

async function timeUpdates(weights: Weights, iterations: number, session: SessionOptions): Promise<number> {
  await using updater = new Updater(weights.layout, { ...SGD, rule: updateRules.SGD }, session);
  const buffers = { weights: weights.data, gradients: weights.diff, history: updater.newHistory() };
  const update = () => updater.apply(buffers, { rate: 0, decay: 0, scale: 1 });
  // The first one does not count.
  await update();
  const startMs = performance.now();
  for (let i = 0; i < iterations; i++) await update();
  return (performance.now() - startMs) / iterations;
}
