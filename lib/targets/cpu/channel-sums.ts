import { constant, count, type Value } from "../../graph/index.js";
import { mul, reduceSum, reshape, slice } from "../../ops/index.js";
import { blockedGlobalAverage } from "./nchwc.js";

/** Sums of a blocked value over batch and space: [c up to whole blocks]. Planes by their mean, which one kernel gives on all threads. */
export function channelSums(x: Value): Value {
  const [n, c] = x.type.shape as [number, number];
  const means = reshape(blockedGlobalAverage(x), [n, c]);
  return mul(n === 1 ? reshape(means, [c]) : reduceSum(means, [0]), constant(count(x.type.shape, 2)));
}

/** The first entries along the first axis. */
export const firstEntries = (value: Value, length: number): Value =>
  value.type.shape[0] === length ? value : slice(value, 0, 0, length);
