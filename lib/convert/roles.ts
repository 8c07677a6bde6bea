import { Const, type Constant, computed, isOp, type Value } from "../graph/index.js";

/**
 * Roles of the inputs of ops after the first, for a layer's weights: the index of its blob, or a part of a normalization.
 * Initializers are called `LAYER/ROLE`, and weights are known again by it.
 */
export const INPUT_ROLES: Readonly<Record<string, readonly string[]>> = {
  Conv: ["0", "1"],
  ConvTranspose: ["0", "1"],
  Gemm: ["0", "1"],
  BatchNormalization: ["scale", "bias", "mean", "variance"],
};

/** The names of weights by their elements, those that passes made included: each takes its name from the first node that uses it. */
export function namedByRole(outputs: Iterable<Value>, known: ReadonlyMap<unknown, string>): Map<unknown, string> {
  const names = new Map(known);
  for (const { op, inputs, label } of computed(outputs)) {
    INPUT_ROLES[op.name]?.forEach((role, i) => {
      const input = inputs[i + 1]?.node;
      if (!input || !isOp(input, Const) || label === "") return;
      const { data } = input.attrs as Constant;
      if (!names.has(data)) names.set(data, `${label}/${role}`);
    });
  }
  return names;
}
