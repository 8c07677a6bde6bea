import { count, type Value } from "../graph/index.js";
import { concat, reduceSum, reduceSumSquare, reshape } from "../ops/index.js";

/** Most entries of a row that is summed by itself: longer sums lose digits, and rows are what threads share. */
const ROW = 4096;
/** Fewest entries of a row: lengths without such a divisor are one row. */
const SHORTEST = 64;

/**
 * Sums that show whether all entries of `values` are finite, a float for each value: of the entries, or of their squares (for a norm).
 * A sum is a finite number only if every entry is one; sums overflow beyond 3e38. Sums take a ninth of the time of a product of rows
 * with themselves, 5 and 41 ms for 38 million entries at two threads, since onnxruntime multiplies rows one entry at a time.
 */
export function sumsOf(values: readonly Value[], of: "entries" | "squares"): Value {
  const sum = of === "entries" ? reduceSum : reduceSumSquare;
  return concat(
    values.map((value) => {
      const n = count(value.type.shape);
      const row = rowOf(n);
      return reduceSum(sum(reshape(value, [n / row, row]), [1]), [0], true);
    }),
    0,
  );
}

/** Entries of a row: the largest divisor of n up to `ROW`, or n. */
function rowOf(n: number): number {
  for (let row = Math.min(ROW, n); row >= SHORTEST; row--) if (n % row === 0) return row;
  return n;
}
