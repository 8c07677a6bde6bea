import type { Net } from "../../api/net.js";
import { encodeMessage } from "./messages.js";

/** The net as TensorFlow's graph: a node a layer, its edges by blobs, with the shapes of its tops. Layers in place are nodes in a row. */
export function graphOf({ layers, shapes, inputs }: Pick<Net, "layers" | "shapes" | "inputs">): Uint8Array {
  const makers = new Map<string, string>();
  const node: object[] = [];
  for (const blob of inputs) {
    if ([...layers.values()].some(({ tops }) => tops.includes(blob))) continue;
    node.push(nodeOf(blob, "Placeholder", [], [shapes.get(blob)]));
    makers.set(blob, blob);
  }
  for (const [name, { type, bottoms, tops }] of layers) {
    const sources = bottoms.flatMap((bottom) => makers.get(bottom) ?? []);
    node.push(
      nodeOf(
        name,
        type,
        sources,
        tops.map((top) => shapes.get(top)),
      ),
    );
    for (const [i, top] of tops.entries()) makers.set(top, i === 0 ? name : `${name}:${i}`);
  }
  return encodeMessage("GraphDef", { node, versions: { producer: 22 } });
}

const nodeOf = (
  name: string,
  op: string,
  input: readonly string[],
  shapes: readonly (readonly number[] | undefined)[],
): object => ({
  name,
  op,
  input,
  attr: [
    {
      key: "_output_shapes",
      value: { list: { shape: shapes.map((shape) => ({ dim: (shape ?? []).map((size) => ({ size })) })) } },
    },
  ],
});
