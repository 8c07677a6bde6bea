import { isLeaf } from "./leaf.js";
import type { Node, Value } from "./value.js";

/**
 * All nodes that the values reach, inputs before users. Iterative, since nets are thousands of nodes deep;
 * the order depends on the graph alone, so that equal graphs emit equal bytes.
 */
export function topological(values: Iterable<Value>): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const stack: { node: Node; next: number }[] = [];
  for (const value of values) {
    if (seen.has(value.node)) continue;
    seen.add(value.node);
    stack.push({ node: value.node, next: 0 });
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const input = top.node.inputs[top.next++];
      if (input === undefined) {
        order.push(top.node);
        stack.pop();
      } else if (!seen.has(input.node)) {
        seen.add(input.node);
        stack.push({ node: input.node, next: 0 });
      }
    }
  }
  return order;
}

/** Multiplications of one run of a node, each with an addition; 0 for ops whose cost is in moving data. */
export const multiplyAdds = (node: Node): number => node.op.multiplyAdds?.(node) ?? 0;

/** The nodes that the values are computed from, inputs before users: not what an op takes for its gradient alone. */
export function computed(values: Iterable<Value>): readonly Node[] {
  const ends = [...values];
  const order = topological(ends);
  const live = new Set(ends.map(({ node }) => node));
  for (const node of order.toReversed()) {
    if (!live.has(node) || isLeaf(node)) continue;
    const { inputs, bodies = {} } = node.op.onnx(node);
    for (const input of inputs) if (input && "node" in input) live.add(input.node);
    for (const { captured } of Object.values(bodies))
      for (const value of captured?.values() ?? []) live.add(value.node);
  }
  return order.filter((node) => live.has(node));
}
