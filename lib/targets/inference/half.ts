import {
  applyAll,
  Const,
  type Constant,
  constantOf,
  halfOf,
  Input,
  isOp,
  labelled,
  type Node,
  rewrite,
  type Value,
} from "../../graph/index.js";
import { Cast, cast } from "../../ops/index.js";
import type { FoldedWeights } from "./folded-weights.js";

/**
 * The graph in half precision, but for layers of `exact` labels: what goes into a node is cast to what it computes with, constants
 * once for all. Inputs and outputs stay float32. `made` keeps the constants of one walk for the next.
 */
export function toHalf(
  values: readonly Value[],
  made: Map<unknown, Uint16Array>,
  exact: ReadonlySet<string>,
  folded: FoldedWeights,
): ReadonlyMap<Value, Value> {
  const casts = new Map<Value, Value>();
  const as = (value: Value, to: "float16" | "float32"): Value => {
    const { dtype } = value.type;
    if (dtype === to || (dtype !== "float16" && dtype !== "float32")) return value;
    const known =
      casts.get(value) ??
      (isOp(value.node, Const)
        ? halfConstant(value.node, made, folded)
        : labelled(isOp(value.node, Input) ? value.node.label : "", () => cast(value, to)));
    casts.set(value, known);
    return known;
  };
  const become = rewrite(values, (node, inputs) => {
    if (isOp(node, Input) || isOp(node, Const)) return undefined;
    const to = exact.has(node.label) ? "float32" : "float16";
    if (isOp(node, Cast) && node.attrs.to === "float32" && to === "float16") return [cast(inputs[0]!, to)];
    return applyAll(node.op, node.attrs, ...inputs.map((value) => as(value, to)));
  });
  return new Map([...become].map(([from, value]) => [from, values.includes(from) ? as(value, "float32") : value]));
}

function halfConstant(node: Node, made: Map<unknown, Uint16Array>, folded: FoldedWeights): Value {
  const { shape, data } = node.attrs as Constant;
  const known = made.get(data) ?? Uint16Array.from(folded.elements(data) as Float32Array, halfOf);
  made.set(data, known);
  return constantOf("float16", known, shape);
}
