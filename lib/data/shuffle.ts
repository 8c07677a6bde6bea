import { random } from "../random.js";

/** The permutation of [0, n) that belongs to (seed, epoch); Fisher and Yates, from the end. */
export function permutation(n: number, seed: number, epoch: number): Uint32Array {
  const draws = random(seed, epoch);
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = draws.integer(i + 1);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}
