import { layoutOf, view } from "../net/layout.js";
import type { LoweredNet } from "../net/lower.js";
import type { RunResult } from "./compiled-net.js";

/** Tests whether no value is NaN or infinite. */
export function allFinite(values: Float32Array): boolean {
  // x - x is 0 for a finite x and NaN for any other; a sum of zeros costs no branch a value.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! - values[i]!;
  return sum === 0;
}

/**
 * First place that is not finite, in the order of computation: data, parameters and outputs layer by layer, then gradients
 * from the last layer to the first. `result` has all blobs and all gradients.
 */
export function firstNotFinite(net: LoweredNet, weights: Float32Array, result: RunResult): string {
  const blobs = [...net.blobs];
  const input = blobs.find(([name]) => net.inputs.has(name) && !allFinite(result.blobs[name]!));
  if (input) return `the data in "${input[0]}"`;
  const layout = layoutOf(net);
  for (const { parameter, ...slot } of layout.slots.values()) {
    if (!allFinite(view(weights, { parameter, ...slot })))
      return `parameter ${parameter.index} of layer "${parameter.layer}"`;
  }
  for (const [name, { node }] of blobs) {
    if (!allFinite(result.blobs[name]!)) return `the output "${name}" of layer "${node.label}"`;
  }
  for (const [name, { node }] of blobs.reverse()) {
    const gradient = result.inputGradients[name];
    if (gradient && !allFinite(gradient)) return `the gradient of "${name}", the output of layer "${node.label}"`;
  }
  for (const { key, layer, index } of [...net.parameters].reverse()) {
    const gradient = result.gradients[key];
    if (gradient && !allFinite(gradient)) return `the gradient of parameter ${index} of layer "${layer}"`;
  }
  return "the loss";
}
