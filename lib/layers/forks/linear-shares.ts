import { arange, constant, type Value } from "../../graph/index.js";
import { abs, max, sub } from "../../ops/index.js";

/** Shares [..., size] of the entries of an axis at places [..., 1] by linear interpolation: what is left of 1 after the distance. */
export const linearShares = (place: Value, size: number): Value =>
  max(sub(constant(1), abs(sub(place, arange(size)))), constant(0));
