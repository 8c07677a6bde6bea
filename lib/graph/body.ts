import { inputName } from "./leaf.js";
import type { Body, Node, Value } from "./value.js";
import { topological } from "./walk.js";

/** The graphs that a node runs, by the names of ONNX's attributes; none for most. */
export const bodiesOf = (node: Node): Readonly<Record<string, Body>> => node.op.bodies?.of(node.attrs) ?? {};

/** All nodes that the values reach, those of bodies included, each before the node that runs the body. */
export function* everyNode(values: Iterable<Value>): Generator<Node> {
  for (const node of topological(values)) {
    for (const body of Object.values(bodiesOf(node))) yield* everyNode(body.outputs);
    yield node;
  }
}

/** Throws a plain Error where a body's outputs depend on a leaf that is not among its inputs, or where an input is no leaf. */
export function checkClosed({ inputs, outputs }: Body): void {
  const own = new Set(inputs.map(({ node }) => node));
  for (const node of own) {
    if (inputName(node.outputs[0]!) === undefined)
      throw new Error(`${node.op.name} is no input that a body could have`);
  }
  for (const node of topological(outputs)) {
    const name = inputName(node.outputs[0]!);
    if (name !== undefined && !own.has(node))
      throw new Error(`the body takes "${name}", which is not among its inputs`);
  }
}
