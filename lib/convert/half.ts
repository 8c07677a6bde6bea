import {
  applyAll,
  Const,
  type Constant,
  constantOf,
  Input,
  isOp,
  halfOf,
  type Node,
  rewrite,
  type Value,
} from "../graph/index.js";
import { Cast, cast } from "../ops/index.js";
import { NonMaxSuppression } from "../ops/detection.js";

/**
 * The graph in half precision: float32 constants and everything computed from them are float16, inputs and outputs are cast.
 * Non-maximum suppression stays float32, since ONNX has it for that alone. `made` keeps the constants of one walk for the next.
 */
export function toHalf(values: readonly Value[], made: Map<unknown, Uint16Array>): ReadonlyMap<Value, Value> {
  const become = rewrite(values, (node, inputs) => {
    if (isOp(node, Input)) return [cast(node.outputs[0]!, "float16")];
    if (isOp(node, Const)) return [halfConstant(node, made)];
    if (isOp(node, Cast) && node.attrs.to === "float32") return [cast(inputs[0]!, "float16")];
    if (isOp(node, NonMaxSuppression))
      return applyAll(node.op, node.attrs, ...inputs.map((value) => cast(value, "float32")));
    return undefined;
  });
  const result = new Map(become);
  for (const value of values) {
    const half = become.get(value)!;
    if (half.type.dtype === "float16") result.set(value, cast(half, "float32"));
  }
  return result;
}

function halfConstant(node: Node, made: Map<unknown, Uint16Array>): Value {
  const { dtype, shape, data } = node.attrs as Constant;
  if (dtype !== "float32") return node.outputs[0]!;
  const known = made.get(data) ?? Uint16Array.from(data as Float32Array, halfOf);
  made.set(data, known);
  return constantOf("float16", known, shape);
}
