import { count } from "../../lib/graph/index.js";
import type { Tensors } from "../../lib/index.js";
import { noise } from "../../lib/run/noise.js";
import { type StepNet, stepNets, withBatch } from "../step/nets.js";

/** Batches of the nets on a GPU, and of a dry run. */
const BATCHES: Readonly<Record<string, readonly [gpu: number, dry: number]>> = {
  lenet: [64, 8],
  cifar: [100, 10],
  caffenet: [256, 1],
  googlenet: [32, 1],
  resnet50: [32, 1],
};

/** The nets that are trained, smallest first. */
export const netsOf = (isDry: boolean): readonly StepNet[] =>
  stepNets.map((net) => withBatch(net, BATCHES[net.name]![isDry ? 1 : 0]));

/** A batch of noise for a net, its labels all classes in turn. */
export function batchOf({ batch, image, classes }: StepNet): Tensors {
  const shape = [batch, ...image];
  const data = noise(count(shape), 5).map((value) => value - 0.5);
  const label = Float32Array.from({ length: batch }, (_, i) => i % classes);
  return { data: { shape, data }, label: { shape: [batch], data: label } };
}

/** A solver of a net: SGD as all of these were trained, at a rate that keeps random labels from blowing up. */
export const solverText = ({ prototxt }: StepNet, rate: string): string =>
  `base_lr: ${rate} lr_policy: "fixed" momentum: 0.9 weight_decay: 0.0005 random_seed: 1 net_param { ${prototxt} }`;
