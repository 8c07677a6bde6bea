import {
  Const,
  constantOf,
  type Elements,
  isOp,
  type Node,
  rebuilt,
  rewrite,
  topological,
  type Value,
} from "../../graph/index.js";
import { Expand, Reshape } from "../../ops/index.js";
import { constantData } from "./simplify.js";

/**
 * Computes, by `evaluate`, every value that depends on constants alone, and puts the results in its place. With `openDims` a
 * constant that is only stretched stays as it is: its size may be one that the file is to leave open.
 */
export async function foldConstants(
  values: readonly Value[],
  openDims: boolean,
  evaluate: (values: readonly Value[]) => Promise<readonly Elements[]>,
): Promise<ReadonlyMap<Value, Value>> {
  const known = new Set<Node>();
  const wanted = new Set<Value>();
  const order = topological(values);
  for (const node of order) {
    const fixed = isOp(node, Const) || (node.inputs.length > 0 && node.inputs.every((input) => known.has(input.node)));
    if (fixed && !(openDims && isOp(node, Expand))) known.add(node);
    else for (const input of node.inputs) if (known.has(input.node)) wanted.add(input);
  }
  for (const value of values) if (known.has(value.node)) wanted.add(value);
  const computed = [...wanted].filter((value) => !isOp(value.node, Const));
  const results = new Map<Value, Value>();
  // A constant under another shape needs no computing, and large ones are not to be copied.
  const left = computed.filter((value) => {
    const data = isOp(value.node, Reshape) ? constantData(value.node.inputs[0]!) : undefined;
    if (data) results.set(value, constantOf(data.dtype, data.data, value.type.shape));
    return !data;
  });
  const elements = left.length > 0 ? await evaluate(left) : [];
  left.forEach((value, i) => {
    const { dtype, shape } = value.type;
    results.set(value, constantOf(dtype, elements[i]!, shape));
  });
  return rewrite(values, (node, inputs) => {
    const outputs = node.outputs.map((value) => results.get(value));
    if (outputs.every((value) => value === undefined)) return undefined;
    const rest = outputs.every((value) => value) ? node.outputs : rebuilt(node, inputs);
    return outputs.map((value, i) => value ?? rest[i]!);
  });
}
