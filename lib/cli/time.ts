import { mergeStates } from "../caffe/filter.js";
import { loadNet } from "../caffe/load.js";
import { create } from "../caffe/message.js";
import { Phase } from "../caffe/messages.js";
import { readWeights } from "../caffe/weights.js";
import { count } from "../graph/index.js";
import { layoutOf } from "../net/layout.js";
import type { SessionOptions } from "../onnx/session.js";
import { updateRules } from "../optim/rules.js";
import { random } from "../random.js";
import { type CompiledNetwork, compileNet } from "../run/compile.js";
import { type Profile, profileNet } from "../run/profile.js";
import { Updater } from "../run/updater.js";
import { copyTrainedLayers, createWeights } from "../run/weights.js";
import type { CommandArgs } from "./commands/command.js";
import type { TIME } from "./commands/inference.js";
import { dataOf, sessionOf, warn } from "./common.js";

type TimeArgs = CommandArgs<typeof TIME>;

/** Times each layer of a net, forward and backward. */
export async function run(args: TimeArgs): Promise<void> {
  const { message, baseDir } = loadNet(args.model, { strict: args.strict, onWarning: warn });
  const wanted = { phase: Phase[args.phase], level: args.level ?? 0, stage: args.stage ?? [] };
  const state = mergeStates(message.state, create("NetState", wanted));
  const session = sessionOf(args);
  const compiled = await compileNet(message, { ...dataOf(args), state, baseDir, seed: 1, session });
  try {
    await timeNet(compiled, args, session);
  } finally {
    for (const feed of compiled.feeds) await feed[Symbol.asyncDispose]();
    await compiled.program[Symbol.asyncDispose]();
  }
}

async function timeNet(
  { net, lowered, feeds }: CompiledNetwork,
  args: TimeArgs,
  session: SessionOptions,
): Promise<void> {
  const layout = layoutOf(lowered);
  const weights = createWeights(layout, 1);
  for (const path of args.weights ?? []) copyTrainedLayers(weights, await readWeights(path), path);
  const data: Record<string, Float32Array> = {};
  for (const feed of feeds) for (const [top, { data: values }] of Object.entries(await feed.next())) data[top] = values;
  for (const [name, { type }] of lowered.inputs) data[name] ??= noise(count(type.shape));
  const layers = net.layer.map(({ name }) => name);
  const inputs = { data, weights, draw: [1, 0] } as const;
  const profile = await profileNet(lowered, layers, inputs, args.iterations, session);
  const [first] = lowered.inputs.values();
  const settings = { momentum: 0.9, momentum2: 0.999, rms_decay: 0.99, delta: 1e-8 };
  await using updater = new Updater(layout, { rule: updateRules.SGD, settings, regularization: "L2" }, session);
  const buffers = { weights: weights.data, gradients: weights.diff, history: updater.newHistory() };
  const update = () => updater.apply(buffers, { rate: 0, decay: 0, scale: 1 });
  await update();
  const startMs = performance.now();
  for (let i = 0; i < args.iterations; i++) await update();
  const updateMs = (performance.now() - startMs) / args.iterations;
  for (const line of timeLines(profile, updateMs, first?.type.shape[0] ?? 0)) console.log(line);
}

/** Uniform in [0, 1): labels are 0 then, once layers round them down. */
function noise(length: number): Float32Array {
  const values = new Float32Array(length);
  random(1).fill(values);
  return values;
}

/** A line a layer, then the sums. */
export function timeLines({ layers, passMs, flops }: Profile, updateMs: number, images: number): readonly string[] {
  const busy = layers.filter(({ forwardMs, backwardMs }) => forwardMs + backwardMs > 0);
  const sum = (of: (layer: (typeof busy)[number]) => number) => busy.reduce((total, layer) => total + of(layer), 0);
  const forward = sum(({ forwardMs }) => forwardMs);
  const backward = sum(({ backwardMs }) => backwardMs);
  const width = Math.max(5, ...busy.map(({ layer }) => layer.length));
  const ms = (value: number) => `${value.toFixed(3)} ms`.padStart(12);
  const stepMs = passMs + updateMs;
  return [
    `${"layer".padStart(width)}${"forward".padStart(12)}${"backward".padStart(12)}   share`,
    ...busy.map(({ layer, forwardMs, backwardMs }) => {
      const share = (100 * (forwardMs + backwardMs)) / (forward + backward);
      return `${layer.padStart(width)}${ms(forwardMs)}${ms(backwardMs)}${share.toFixed(1).padStart(6)} %`;
    }),
    `Average Forward pass: ${forward.toFixed(3)} ms.`,
    `Average Backward pass: ${backward.toFixed(3)} ms.`,
    `Average Forward-Backward: ${passMs.toFixed(3)} ms.`,
    `Average Update: ${updateMs.toFixed(3)} ms.`,
    `Average Step: ${stepMs.toFixed(3)} ms, ${(images / (stepMs / 1000)).toFixed(1)} images/s, ${(flops / passMs / 1e6).toFixed(2)} GFLOP/s forward-backward`,
  ];
}
