import { labelled, type Node, topological, type Value } from "../graph/index.js";
import { add, unbroadcast } from "../ops/index.js";

/**
 * Reverse-mode differentiation: the gradients, with respect to `wrt`, of the sum over all `seeds` of <value, its seed>.
 * A seed has its value's shape. Null: the seeds do not depend on that value through anything differentiable.
 */
export function gradient(seeds: ReadonlyMap<Value, Value>, wrt: readonly Value[]): readonly (Value | null)[] {
  const order = topological(seeds.keys());
  const active = dependents(order, wrt);
  const gradients = new Map<Value, Value>(seeds);
  for (const node of order.reverse()) {
    const dy = gradients.get(node.outputs[0]!);
    if (dy === undefined || !active.has(node) || !node.op.vjp) continue;
    const inputGradients = labelled(`${node.label}/grad`, () => node.op.vjp!(node, dy));
    inputGradients.forEach((dx, i) => {
      const x = node.inputs[i]!;
      if (dx === null || !active.has(x.node)) return;
      labelled(`${node.label}/grad`, () => {
        const partial = unbroadcast(dx, x.type.shape);
        const sum = gradients.get(x);
        gradients.set(x, sum === undefined ? partial : add(sum, partial));
      });
    });
  }
  return wrt.map((value) => gradients.get(value) ?? null);
}

/** The nodes that a gradient has to pass: those of `wrt` and all that use them. */
function dependents(order: readonly Node[], wrt: readonly Value[]): ReadonlySet<Node> {
  const active = new Set<Node>(wrt.map((value) => value.node));
  for (const node of order) if (node.inputs.some((value) => active.has(value.node))) active.add(node);
  return active;
}
