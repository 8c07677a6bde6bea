import { bodiesOf } from "./body.js";
import { applyAll, type Body, labelled, type Node, type Op, type Value } from "./value.js";
import { topological } from "./walk.js";

/**
 * Replacement of a node, given what its inputs have become: a value for each of its outputs, or undefined to stay as it is.
 */
export type Rule = (node: Node, inputs: readonly Value[]) => readonly Value[] | undefined;

/**
 * New values by old ones, for every value that the given ones reach. Nodes that nothing changes stay the same nodes. The rule holds for
 * the nodes of bodies too: it sees a node whose bodies are rewritten. Their outputs must keep their types.
 */
export function rewrite(values: Iterable<Value>, rule: Rule): ReadonlyMap<Value, Value> {
  const become = new Map<Value, Value>();
  for (const node of topological(values)) {
    const inputs = node.inputs.map((input) => become.get(input)!);
    const own = withRewrittenBodies(node, rule);
    const outputs = labelled(node.label, () => rule(own, inputs)) ?? rebuilt(own, inputs);
    node.outputs.forEach((value, i) => {
      become.set(value, outputs[i]!);
    });
  }
  return become;
}

function withRewrittenBodies(node: Node, rule: Rule): Node {
  const { bodies } = node.op;
  if (!bodies) return node;
  const before = Object.entries(bodiesOf(node));
  const after = before.map(([name, body]) => [name, rewriteBody(body, rule)] as const);
  if (after.every(([, body], i) => body === before[i]![1])) return node;
  const attrs = bodies.replaced(node.attrs, Object.fromEntries(after));
  return labelled(node.label, () => applyAll(node.op, attrs, ...node.inputs))[0]!.node;
}

function rewriteBody(body: Body, rule: Rule): Body {
  const become = rewrite(body.outputs, rule);
  const outputs = body.outputs.map((value) => become.get(value)!);
  return outputs.every((value, i) => value === body.outputs[i]) ? body : { inputs: body.inputs, outputs };
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
