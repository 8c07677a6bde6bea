import { NetrunError } from "../error.js";
import { random } from "../random.js";
import type { PretrainedBlobs, PretrainingChoice, UnitKind } from "./pretraining.js";

/** A pretrained layer with its parameters, to compute with. */
export interface StackedLayer extends PretrainedBlobs {
  readonly method: PretrainingChoice["kind"];
  readonly visibleUnits: UnitKind;
  /** Caffe's type of its activation; undefined: linear. */
  readonly activation: string | undefined;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const ACTIVATIONS: Readonly<Record<string, (x: number) => number>> = {
  Sigmoid: sigmoid,
  TanH: Math.tanh,
  ReLU: (x) => Math.max(0, x),
};

function activationOf({ activation }: StackedLayer): (x: number) => number {
  if (activation === undefined) return (x) => x;
  const found = ACTIVATIONS[activation];
  if (found) return found;
  throw new NetrunError(`pictures of layers with ${activation} are not drawn`);
}

/** Means of the hidden units of one row. */
function up(layer: StackedLayer, visible: ArrayLike<number>): Float64Array {
  const { weights, hiddenBias, visibleBias } = layer;
  const units = visibleBias.length;
  const activate = activationOf(layer);
  return Float64Array.from(hiddenBias, (bias, j) => {
    let sum = bias;
    for (let i = 0; i < units; i++) sum += weights[j * units + i]! * visible[i]!;
    return activate(sum);
  });
}

/** Means of the visible units of one row. */
function down({ weights, visibleBias, visibleUnits }: StackedLayer, hidden: ArrayLike<number>): Float64Array {
  const units = visibleBias.length;
  const sums = Float64Array.from(visibleBias);
  for (let j = 0; j < hidden.length; j++) {
    const h = hidden[j]!;
    if (h === 0) continue;
    for (let i = 0; i < units; i++) sums[i]! += weights[j * units + i]! * h;
  }
  return visibleUnits === "binary" ? sums.map(sigmoid) : sums;
}

/** The reconstructions of rows [n, visible of the first layer] through a stack: means up to its top, and down again. */
export function reconstructions(stack: readonly StackedLayer[], rows: readonly ArrayLike<number>[]): Float32Array[] {
  return rows.map((row) => {
    const top = stack.reduce<ArrayLike<number>>((values, layer) => up(layer, values), row);
    return Float32Array.from(stack.reduceRight<ArrayLike<number>>((values, layer) => down(layer, values), top));
  });
}

/**
 * Samples of a deep-belief net: `steps` of Gibbs sampling in its top machine, from the activations of `rows` on, whose means go down to the first
 * layer's visible units. The same seed gives the same samples.
 */
export function beliefSamples(
  stack: readonly StackedLayer[],
  rows: readonly ArrayLike<number>[],
  steps: number,
  seed: number,
): Float32Array[] {
  const below = stack.slice(0, -1);
  const top = stack.at(-1)!;
  return rows.map((row, n) => {
    const draw = random(seed, n);
    const sampled = (means: Float64Array, gaussian: boolean) =>
      means.map((mean) => (gaussian ? mean + draw.normal() : Number(draw.uniform() < mean)));
    let visible = below.reduce<ArrayLike<number>>((values, layer) => up(layer, values), row);
    for (let step = 1; step <= steps; step++) {
      const means = down(top, sampled(up(top, visible), top.activation === undefined));
      visible = step === steps ? means : sampled(means, top.visibleUnits === "gaussian");
    }
    return Float32Array.from(below.reduceRight<ArrayLike<number>>((values, layer) => down(layer, values), visible));
  });
}
