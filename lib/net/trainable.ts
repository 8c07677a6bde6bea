import type { NetrunError } from "../error.js";
import type { Value } from "../graph/index.js";
import type { ComputeLayer, Place } from "../layers/index.js";

/** A layer that computes, as far as the way of gradients goes. */
export interface GradientPathLayer {
  readonly type: ComputeLayer;
  readonly place: Place<never>;
  readonly tops: readonly Value[];
  /** True if it has trainable parameters. */
  readonly learns: boolean;
  /** True if a top counts in the objective. */
  readonly isLoss: boolean;
}

/**
 * Reason why a net cannot be trained, where it cannot: a bottom that has no gradient (labels, indices) lies between trainable parameters and a
 * loss. Caffe refuses such a net at its first backward; the gradient would be silently wrong.
 */
export function whyUntrainable(steps: readonly GradientPathLayer[]): NetrunError | undefined {
  const learning = new Set<Value>();
  for (const { place, tops, learns } of steps) {
    if (learns || place.bottoms.some((value) => learning.has(value))) for (const top of tops) learning.add(top);
  }
  const underLoss = new Set<Value>();
  for (const { type, place, tops, isLoss } of steps.toReversed()) {
    if (!isLoss && !tops.some((value) => underLoss.has(value))) continue;
    for (const value of place.bottoms) underLoss.add(value);
    for (const given of type.noGradientTo ?? []) {
      const index = given < 0 ? place.bottoms.length + given : given;
      const value = place.bottoms[index];
      if (!value || !learning.has(value)) continue;
      const name = place.layer.bottom[index];
      return place.bottomError(
        index,
        `"${name}" depends on trainable parameters, but ${type.type} has no gradient to it`,
        ["propagate_down, given for each bottom, can stop the gradient here"],
      );
    }
  }
  return undefined;
}
