import { arange, constantOf, type Value } from "../graph/index.js";
import { scatter } from "../ops/detection.js";
import { add, cast, equal, expand, less, reshape, stopGradient, topK, where, zeros } from "../ops/index.js";

/**
 * A blob of numbers in [0, n) as int64 indices for Gather, without a gradient; fractions are cut off. ONNX counts negative indices
 * from the end, so they are moved out of its range: an index that is not in [0, n) makes the run fail and name the layer.
 */
export function indicesOf(blob: Value, n: number): Value {
  const index = cast(stopGradient(blob), "int64");
  const scalar = (value: number) => constantOf("int64", BigInt64Array.of(BigInt(value)), []);
  return where(less(index, scalar(0)), add(index, scalar(-n)), index);
}

/** The numbers 0 to n - 1 as int64 [n]. */
export const iota = (n: number): Value =>
  constantOf(
    "int64",
    BigInt64Array.from({ length: n }, (_, i) => BigInt(i)),
    [n],
  );

/** Int64 indices [rows] as float32 [rows, n]: 1 in the column of each row's index, else 0. */
export const oneHot = (indices: Value, n: number): Value =>
  cast(equal(reshape(indices, [indices.type.shape[0]!, 1]), iota(n)), "float32");

/** Places of values [n, p] in the falling order of their row, of equal ones the first first. */
export function rankOf(values: Value): Value {
  const [n, p] = values.type.shape as [number, number];
  const order = topK(values, 1, p).indices;
  return scatter(zeros([n, p]), order, expand(arange(p), [n, p]), 1);
}
