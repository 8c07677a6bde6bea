import { arange, constant, type Value } from "../../graph/index.js";
import { and, cast, concat, cumSum, equal, less, mul, reduceMax, reduceSum, where } from "../../ops/index.js";

/** Below every float of a net: what has been taken wins no more. */
const LOWEST = -3.4028234663852886e38;

/** Entries that are found one after another; more are for TopK itself. */
export const MOST = 10;

/**
 * The k greatest entries of x along an axis and their indices, each found by a maximum and taken out; the first of equals comes first.
 * The provider's TopK gives indices as int64, with which it can do nothing.
 */
export function topKByMaxima(x: Value, axis: number, k: number): { readonly values: Value; readonly indices: Value } {
  const size = x.type.shape[axis]!;
  const numbers = arange(
    size,
    x.type.shape.map((_, i) => (i === axis ? size : 1)),
  );
  const values: Value[] = [];
  const indices: Value[] = [];
  let rest = x;
  for (let i = 0; i < k; i++) {
    const greatest = reduceMax(rest, [axis], true);
    const isGreatest = equal(rest, greatest);
    const before = cumSum(cast(isGreatest, "float32"), { axis, exclusive: true, reverse: false });
    const first = and(isGreatest, less(before, constant(0.5)));
    values.push(greatest);
    indices.push(reduceSum(mul(cast(first, "float32"), numbers), [axis], true));
    rest = where(first, constant(LOWEST), rest);
  }
  return { values: concat(values, axis), indices: cast(concat(indices, axis), "int64") };
}
