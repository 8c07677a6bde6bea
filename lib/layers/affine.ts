import { constant, type Value } from "../graph/index.js";
import { add, mul } from "../ops/index.js";

/** scale * x + shift, without the operations that change nothing. */
export function affine(x: Value, scale: number, shift: number): Value {
  const scaled = scale === 1 ? x : mul(x, constant(scale));
  return shift === 0 ? scaled : add(scaled, constant(shift));
}
