import { mergeStates } from "../caffe/filter.js";
import { type From, loadNet } from "../caffe/load.js";
import { create } from "../caffe/message.js";
import { type NetParameter, Phase } from "../caffe/messages.js";
import { readWeights } from "../caffe/weights.js";
import { GivenRows } from "../data/feed/given-rows.js";
import { NetrunError } from "../error.js";
import { count } from "../graph/index.js";
import { layoutOf } from "../net/layout.js";
import type { SessionOptions } from "../onnx/session.js";
import { updateRules } from "../optim/rules.js";
import { checkNumber, countRange as countOf } from "../options/number.js";
import { checkOptions } from "../options/option.js";
import { NET } from "../options/run.js";
import { random } from "../random.js";
import { type CompiledNetwork, compileNet } from "../run/compile.js";
import { type LayerTime, type Profile, profileNet } from "../run/profile.js";
import { Updater } from "../run/updater.js";
import { copyTrainedLayers, createWeights, type Weights } from "../run/weights.js";
import type { NetOptions } from "./net.js";

export type { LayerTime };

/** Which net is timed: in phase TRAIN where none is named. */
export interface TimeLayersOptions extends NetOptions {
  /** Passes to time, and updates. Default 50. */
  readonly iterations?: number;
}

/** What a training step of a net takes. */
export interface LayerTimes extends Profile {
  /** Mean time of an update by SGD with momentum. */
  readonly updateMs: number;
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
  const { message, path, baseDir } = loadNet(from, options);
  const wanted = { phase: Phase[phase], level: options.level ?? 0, stage: options.stages ?? [] };
  const state = mergeStates(message.state, create("NetState", wanted));
  await using rows = new GivenRows();
  const { shapes, batchSize, onBadRecord, transform } = options;
  const choice = { data: await rows.resolve(options.data), batchSize, onBadRecord, transform, shapes };
  const compiled = await compileNet(message, {
    ...choice,
    state,
    baseDir: options.baseDir ?? baseDir,
    seed,
    session: options,
    caffeQuirks: options.caffeQuirks,
    onWarning: options.onWarning,
  });
  try {
    if (compiled.lowered.blobs.size === compiled.lowered.inputs.size)
      throw new NetrunError(`the net computes nothing in phase ${phase}`, { file: path });
    const weights = createWeights(layoutOf(compiled.lowered), seed);
    for (const path of [paths].flat()) copyTrainedLayers(weights, await readWeights(path), path);
    const profile = await timePasses(compiled, weights, { iterations, seed, session: options });
    const [first] = compiled.lowered.inputs.values();
    const updateMs = await timeUpdates(weights, iterations, options);
    return { ...profile, updateMs, images: first?.type.shape[0] ?? 0 };
  } finally {
    for (const feed of compiled.feeds) await feed[Symbol.asyncDispose]();
    await compiled.program[Symbol.asyncDispose]();
  }
}

interface Passes {
  readonly iterations: number;
  readonly seed: number;
  readonly session: SessionOptions;
}

async function timePasses(
  { net, lowered, feeds }: CompiledNetwork,
  weights: Weights,
  passes: Passes,
): Promise<Profile> {
  const { iterations, seed, session } = passes;
  const data: Record<string, Float32Array> = {};
  for (const feed of feeds) for (const [top, { data: values }] of Object.entries(await feed.next())) data[top] = values;
  for (const [name, { type }] of lowered.inputs) data[name] ??= noise(count(type.shape), seed);
  const layers = net.layer.map(({ name }) => name);
  return await profileNet(lowered, layers, { data, weights, draw: [seed, 0] }, iterations, session);
}

/** Uniform in [0, 1): labels are 0 then, once layers round them down. */
function noise(length: number, seed: number): Float32Array {
  const values = new Float32Array(length);
  random(seed).fill(values);
  return values;
}

async function timeUpdates(weights: Weights, iterations: number, session: SessionOptions): Promise<number> {
  const settings = { momentum: 0.9, momentum2: 0.999, rms_decay: 0.99, delta: 1e-8 };
  const rule = { rule: updateRules.SGD, settings, regularization: "L2" } as const;
  await using updater = new Updater(weights.layout, rule, session);
  const buffers = { weights: weights.data, gradients: weights.diff, history: updater.newHistory() };
  const update = () => updater.apply(buffers, { rate: 0, decay: 0, scale: 1 });
  // The first one does not count.
  await update();
  const startMs = performance.now();
  for (let i = 0; i < iterations; i++) await update();
  return (performance.now() - startMs) / iterations;
}
