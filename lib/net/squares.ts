import { count, type Value } from "../graph/index.js";
import { matMul, reduceSum, reshape } from "../ops/index.js";

/** Rows that a product is cut into, for threads to share. */
const ROWS = 64;

/**
 * Sum of squares of all entries, [1], as products of rows with themselves: as fast as memory is, where a reduction loses digits.
 * It is a finite number only if every entry is one; entries above 1e19 overflow it.
 */
export function sumOfSquares(x: Value): Value {
  const n = count(x.type.shape);
  let rows = Math.min(ROWS, n);
  while (n % rows !== 0) rows--;
  const row = reshape(x, [rows, 1, n / rows]);
  const products = matMul(row, reshape(x, [rows, n / rows, 1]));
  return reduceSum(reshape(products, [rows]), [0], true);
}
