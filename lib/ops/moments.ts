import type { Value } from "../graph/index.js";
import { mul, sub } from "./elementwise.js";
import { reduceMean } from "./reduce.js";

/** x without its mean over axes, that mean, and the mean of squares of what is left. Reduced axes stay, as 1. */
export function moments(x: Value, axes: readonly number[]) {
  const mean = reduceMean(x, axes, true);
  const centred = sub(x, mean);
  return { mean, centred, variance: reduceMean(mul(centred, centred), axes, true) };
}
