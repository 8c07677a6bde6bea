import { random } from "../../random.js";

/** The permutation of [0, n) that belongs to a key, such as (seed, epoch); Fisher and Yates, from the end. */
export function permutation(n: number, seed: number, ...keys: readonly number[]): Uint32Array {
  const draws = random(seed, ...keys);
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = draws.integer(i + 1);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}
