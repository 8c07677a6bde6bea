import { computed, isOp, type Node, sameShape, topological, type Value } from "../graph/index.js";
import { Add, Div, Mul, Sub } from "../ops/index.js";

/** Ops whose kernels read an element before they write the one in its place. */
const isElementwise = (node: Node) => isOp(node, Add) || isOp(node, Sub) || isOp(node, Mul) || isOp(node, Div);

/**
 * Tests whether an output may be written over an input leaf of its type while the graph runs: whatever reads the leaf is computed before the
 * output, or is the elementwise op that computes it. `outputs` are all that the graph computes.
 */
export function mayOverwrite(outputs: Iterable<Value>, output: Value, leaf: Value): boolean {
  if (output.type.dtype !== leaf.type.dtype || !sameShape(output.type.shape, leaf.type.shape)) return false;
  const before = new Set(topological([output]));
  if (isElementwise(output.node)) before.add(output.node);
  else before.delete(output.node);
  return computed(outputs).every((node) => !node.inputs.includes(leaf) || before.has(node));
}
