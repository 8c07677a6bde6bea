import { constant, float32, input, type Value } from "../graph/index.js";
import { add, mul, sumAll } from "../ops/index.js";
import type { LoweredNet } from "./lower.js";

/** The objective of a net: the sum of all its losses by their weights, a scalar; null where it has none. */
export function objectiveOf({ losses }: Pick<LoweredNet, "losses">): Value | null {
  if (losses.length === 0) return null;
  const terms = losses.map(({ value, weight }) => {
    const sum = sumAll(value);
    return weight === 1 ? sum : mul(sum, constant(weight));
  });
  return terms.reduce((a, b) => add(a, b));
}

/** The name of the input that the gradient of a blob is fed as. */
export const seedName = (blob: string): string => `seed:${blob}`;

/** The gradient that each value starts with: fed for the blobs in `fed`, and the weight of each loss whose gradient is not fed. */
export function seedsOf(
  { blobs, losses }: Pick<LoweredNet, "blobs" | "losses">,
  fed: readonly string[],
): ReadonlyMap<Value, Value> {
  const seeds = new Map<Value, Value>();
  const put = (value: Value, seed: Value) => {
    const before = seeds.get(value);
    seeds.set(value, before ? add(before, seed) : seed);
  };
  for (const name of fed) {
    const value = blobs.get(name)!;
    put(value, input(seedName(name), float32(value.type.shape)));
  }
  for (const { blob, value, weight } of losses) {
    if (!fed.includes(blob)) put(value, constant(weight, value.type.shape));
  }
  return seeds;
}
