import { apply, type Op, type TensorType, type Value } from "../graph/index.js";
import { meaning } from "./meaning.js";
import { reduceSum } from "./reduce.js";

/** All axes of a shape but that of its channels, 1. */
export const aroundChannels = (shape: readonly number[]): readonly number[] =>
  shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));

/** y = x * s + b, or x * s: a number for each channel. x [n, c, ...], s and b [c]. */
export const ChannelAffine: Op<null> = meaning(
  "ChannelAffine",
  [2, 3],
  (_, x) => [x!],
  ({ inputs }, dy) => {
    const [x, s, b] = inputs as [Value, Value, Value | undefined];
    const gradients = [channelAffine(dy, s), channelDot(dy, x)];
    return b ? [...gradients, reduceSum(dy, aroundChannels(dy.type.shape))] : gradients;
  },
);

/** Sums of a * b over all axes but that of channels: a and b [n, c, ...], the result [c]. */
export const ChannelDot: Op<null> = meaning("ChannelDot", 2, (_, a) => [{ dtype: a!.dtype, shape: [a!.shape[1]!] }]);

export const channelAffine = (x: Value, s: Value, b?: Value): Value =>
  b ? apply(ChannelAffine, null, x, s, b) : apply(ChannelAffine, null, x, s);

export const channelDot = (a: Value, b: Value): Value => apply(ChannelDot, null, a, b);

/** Attributes of batch normalisation: what is added to the variance under the root. */
export interface BatchNormAttrs {
  readonly eps: number;
}

const keptChannels = ({ dtype, shape }: TensorType): TensorType => ({
  dtype,
  shape: shape.map((dim, axis) => (axis === 1 ? dim : 1)),
});

/**
 * Batch normalisation by the batch's own statistics: (x - mean) / sqrt(variance + eps) a channel, and these means and variances,
 * which have no gradients. x [n, c, ...], statistics [1, c, 1...].
 */
export const BatchNormalize: Op<BatchNormAttrs> = meaning(
  "BatchNormalize",
  1,
  (_, x) => [x!, keptChannels(x!), keptChannels(x!)],
  ({ attrs, outputs }, dy) => [apply(BatchNormalizeGrad, attrs, dy, outputs[0]!, outputs[2]!)],
);

/** Its gradient: dy, y and the variance to dx = (dy - mean(dy) - y * mean(dy * y)) / sqrt(variance + eps). */
export const BatchNormalizeGrad: Op<BatchNormAttrs> = meaning("BatchNormalizeGrad", 3, (_, dy) => [dy!]);

/** x normalised a channel, and the mean and variance that it was normalised by. */
export function batchNormalize(
  x: Value,
  eps: number,
): { readonly y: Value; readonly mean: Value; readonly variance: Value } {
  const y = apply(BatchNormalize, { eps }, x);
  const [, mean, variance] = y.node.outputs as [Value, Value, Value];
  return { y, mean, variance };
}
