import { applyAll, labelled, type Node, type Op, type Value } from "./value.js";
import { topological } from "./walk.js";

/**
 * What a node becomes, given what its inputs have become: a value for each of its outputs, or undefined to stay as it is.
 */
export type Rule = (node: Node, inputs: readonly Value[]) => readonly Value[] | undefined;

/** New values by old ones, for every value that the given ones reach. Nodes that nothing changes stay the same nodes. */
export function rewrite(values: Iterable<Value>, rule: Rule): ReadonlyMap<Value, Value> {
  const become = new Map<Value, Value>();
  for (const node of topological(values)) {
    const inputs = node.inputs.map((input) => become.get(input)!);
    const outputs = labelled(node.label, () => rule(node, inputs)) ?? rebuilt(node, inputs);
    node.outputs.forEach((value, i) => {
      become.set(value, outputs[i]!);
    });
  }
  return become;
}

/** The node on other inputs, its types inferred anew. */
export function rebuilt(node: Node, inputs: readonly Value[]): readonly Value[] {
  if (inputs.every((input, i) => input === node.inputs[i])) return node.outputs;
  return labelled(node.label, () => applyAll(node.op, node.attrs, ...inputs));
}

/** The node, if it is of this op, with its attributes' type. */
export function isOp<A>(node: Node, op: Op<A>): node is Node<unknown> & { readonly attrs: A } {
  return node.op === (op as unknown as Op);
}
