import { constant, count, type Value } from "../graph/index.js";
import { add, aroundChannels, div, moments, mul, reduceSum, reshape, sqrt, sub } from "../ops/index.js";

/** A number for each channel, to broadcast over a value of this rank. */
const acrossChannels = (vector: Value, rank: number): Value =>
  reshape(vector, [1, vector.type.shape[0]!, ...Array<number>(rank - 2).fill(1)]);

/** x * s + b. */
export function affineByChannel(x: Value, s: Value, b: Value | undefined): Value {
  const rank = x.type.shape.length;
  const scaled = mul(x, acrossChannels(s, rank));
  return b ? add(scaled, acrossChannels(b, rank)) : scaled;
}

/** Sums of a * b, a channel. */
export const dot = (a: Value, b: Value): Value => reduceSum(mul(a, b), aroundChannels(a.type.shape));

/** x normalised, its means and its variances; variances from what is left without the mean, which keeps their digits. */
export function normalize(x: Value, eps: number): readonly Value[] {
  const { mean, centred, variance } = moments(x, aroundChannels(x.type.shape));
  return [div(centred, sqrt(add(variance, constant(eps)))), mean, variance];
}

/** The gradient of `normalize`, as Caffe computes it. */
export function normalizeGradient(dy: Value, y: Value, variance: Value, eps: number): Value {
  const { shape } = dy.type;
  const axes = aroundChannels(shape);
  const mean = (value: Value) => mul(reduceSum(value, axes, true), constant(shape[1]! / count(shape)));
  const whole = sub(sub(dy, mean(dy)), mul(y, mean(mul(dy, y))));
  return div(whole, sqrt(add(variance, constant(eps))));
}
