import { constant, type Value } from "../graph/index.js";
import {
  add,
  and,
  cast,
  expand,
  gatherElements,
  greaterOrEqual,
  less,
  max,
  min,
  mul,
  reshape,
  where,
} from "../ops/index.js";

/**
 * Entries of x [n, c, h, w] at whole rows and columns [n, k]: [n, c, k]; the nearest ones for places outside, 0 where `outside`
 * is "zero".
 */
export function entriesAt(x: Value, rows: Value, columns: Value, outside: "nearest" | "zero"): Value {
  const [n, c, h, w] = x.type.shape as [number, number, number, number];
  const k = rows.type.shape[1]!;
  const within = (place: Value, size: number) => max(min(place, constant(size - 1)), constant(0));
  const flat = add(mul(within(rows, h), constant(w)), within(columns, w));
  const index = expand(reshape(cast(flat, "int64"), [n, 1, k]), [n, c, k]);
  const values = gatherElements(reshape(x, [n, c, h * w]), index, 2);
  return outside === "zero" ? where(reshape(isInside(rows, columns, h, w), [n, 1, k]), values, constant(0)) : values;
}

/** Tests whether places are among rows 0 to h - 1 and columns 0 to w - 1 (fractions count up to below h and w): bool, of their shape. */
export function isInside(rows: Value, columns: Value, h: number, w: number): Value {
  const on = (place: Value, size: number) => and(greaterOrEqual(place, constant(0)), less(place, constant(size)));
  return and(on(rows, h), on(columns, w));
}
