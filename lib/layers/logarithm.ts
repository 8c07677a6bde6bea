import type { Place } from "./layer.js";

/**
 * log(base) in float32 for Exp and Log layers, 1 exactly for base -1, which stands for e. Throws, as Caffe does, unless the base
 * is positive and its logarithm finite.
 */
export function logBase(place: Place<{ readonly base: number }>): number {
  const { base } = place.param;
  if (base === -1) return 1;
  if (!(base > 0)) throw place.error(`base ${base} must be greater than 0`, "base", ["base: -1 stands for e"]);
  const log = Math.fround(Math.log(base));
  if (!Number.isFinite(log)) throw place.error(`the logarithm of base ${base} is ${log}`, "base");
  return log;
}
