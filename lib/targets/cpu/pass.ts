import { applyAll, count, labelled, type Node, type Op, topological, type Value } from "../../graph/index.js";
import { fromPlain, type Layouts } from "./layout.js";
import { type Formulation, plainNode, type RewriteSite } from "./rules.js";

/**
 * The graph with each op computed by the first formulation that takes it, and values kept in the layout in which they are made until
 * an op needs the other one. The given values come back plain.
 */
export function blockedGraph(
  outputs: Iterable<Value>,
  formulations: readonly Formulation[],
  block: number,
): ReadonlyMap<Value, Value> {
  const values = [...outputs];
  const byOp = new Map<string, Formulation[]>();
  for (const each of formulations) for (const op of each.ops) byOp.set(op, [...(byOp.get(op) ?? []), each]);
  const become = new Map<Value, Layouts>();
  const memos = new Map<Value, Map<string, unknown>>();
  const memo: RewriteSite["memo"] = (of, key, make) => {
    const known = memos.get(of) ?? new Map<string, unknown>();
    memos.set(of, known);
    if (!known.has(key)) known.set(key, make());
    return known.get(key) as ReturnType<typeof make>;
  };
  const layoutsOf = (value: Value) => become.get(value)!;
  const order = topological(values);
  const usersOf = new Map<Value, Node[]>();
  for (const node of order) {
    for (const input of node.inputs) {
      const known = usersOf.get(input);
      if (known) known.push(node);
      else usersOf.set(input, [node]);
    }
  }
  const users = (of: Value): readonly Node[] => usersOf.get(of) ?? [];
  const ends = new Set(values);
  const isInner = (value: Value) => users(value).length === 1 && !ends.has(value);
  for (const node of order) {
    const site: RewriteSite = { node, inputs: node.inputs.map(layoutsOf), layoutsOf, block, users, isInner, memo };
    const made = labelled(node.label, () => {
      // The kernels of blocked layouts take no value without elements: Filter may keep no item.
      const isEmpty = node.inputs.some(({ type }) => count(type.shape) === 0);
      for (const formulation of isEmpty ? [] : (byOp.get(node.op.name) ?? [])) {
        const built = formulation.build(site);
        if (built) return built;
      }
      if (node.inputs.every((input) => become.get(input)!.hasPlain && become.get(input)!.plain() === input))
        return node.outputs.map((value) => fromPlain(value, block));
      return plainNode(site, (inputs) => applyAll(node.op as Op, node.attrs, ...inputs));
    });
    node.outputs.forEach((value, i) => {
      if (made[i]) become.set(value, made[i]);
    });
  }
  return new Map(values.map((value) => [value, labelled(value.node.label, () => become.get(value)!.plain())]));
}
