import type { Layout } from "../net/layout.js";
import { view } from "../net/layout.js";
import type { LoweredNet } from "../net/lower.js";

/** Spread of some values. */
export interface Distribution {
  readonly meanAbs: number;
  readonly mean: number;
  /** Standard deviation. */
  readonly std: number;
  readonly min: number;
  readonly max: number;
  /** Values in each of equally wide bins from `min` to `max`; of many values, those of every so many. */
  readonly counts: readonly number[];
}

/** A parameter around one update. */
export interface ParameterStatistics {
  readonly layer: string;
  /** Index of the parameter in its layer. */
  readonly param: number;
  /** Before the update. */
  readonly values: Distribution;
  /** Mean over the iter_size batches, before clipping and weight decay. */
  readonly gradients: Distribution;
  /** Summands of the update. */
  readonly updates: Distribution;
  /** log10 of the mean magnitude of the updates over that of the values; not finite where either is 0. */
  readonly ratio: number;
}

/** A blob of an iteration's last batch. */
export interface ActivationStatistics extends Distribution {
  readonly layer: string;
  readonly blob: string;
  /** Share of values that are 0: what a ReLU shuts off. */
  readonly zeros: number;
}

/** Statistics of one iteration. */
export interface LayerStatistics {
  readonly parameters: readonly ParameterStatistics[];
  readonly activations: readonly ActivationStatistics[];
}

/** Bins of a histogram, and values that are counted at most: more tell no more of its shape. */
export const BINS = 40;
const MOST_COUNTED = 2 ** 16;

/** The distribution of values, times `scale`. */
export function distributionOf(values: Float32Array, scale = 1): Distribution {
  const { length } = values;
  if (length === 0) return { meanAbs: 0, mean: 0, std: 0, min: 0, max: 0, counts: [] };
  let [sum, sumAbs, squares] = [0, 0, 0];
  let [min, max] = [values[0]!, values[0]!];
  for (let i = 0; i < length; i++) {
    const value = values[i]!;
    sum += value;
    sumAbs += Math.abs(value);
    squares += value * value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const mean = sum / length;
  const std = Math.sqrt(Math.max(0, squares / length - mean * mean));
  const counts = new Array<number>(BINS).fill(0);
  const perBin = BINS / (max - min);
  const stride = Math.ceil(length / MOST_COUNTED);
  for (let i = 0; i < length; i += stride) {
    const bin = max > min ? Math.min(BINS - 1, Math.floor((values[i]! - min) * perBin)) : BINS >> 1;
    counts[bin]!++;
  }
  return {
    meanAbs: (sumAbs * scale) / length,
    mean: mean * scale,
    std: std * scale,
    min: min * scale,
    max: max * scale,
    counts,
  };
}

/** Statistics of each parameter, from all parameters before and after an update and the sums of gradients over `iterSize` batches. */
export function parameterStatistics(
  layout: Layout,
  before: Float32Array,
  after: Float32Array,
  gradients: Float32Array,
  iterSize: number,
): readonly ParameterStatistics[] {
  return [...layout.slots.values()].map((slot) => {
    const [from, to] = [view(before, slot), view(after, slot)];
    const change = new Float32Array(from.length);
    for (let i = 0; i < change.length; i++) change[i] = to[i]! - from[i]!;
    const [values, updates] = [distributionOf(from), distributionOf(change)];
    return {
      layer: slot.parameter.layer,
      param: slot.parameter.index,
      values,
      gradients: distributionOf(view(gradients, slot), 1 / iterSize),
      updates,
      ratio: Math.log10(updates.meanAbs / values.meanAbs),
    };
  });
}

/** Statistics of each blob, in order of computation. */
export const activationStatistics = (
  { blobs }: LoweredNet,
  values: Readonly<Record<string, Float32Array>>,
): readonly ActivationStatistics[] =>
  [...blobs].flatMap(([blob, { node }]) => {
    const of = values[blob];
    return of
      ? [{ layer: node.label === "" ? blob : node.label, blob, ...distributionOf(of), zeros: zerosOf(of) }]
      : [];
  });

function zerosOf(values: Float32Array): number {
  let zeros = 0;
  for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros++;
  return values.length === 0 ? 0 : zeros / values.length;
}
