import { layerBlocks } from "./groups.js";
import { grouped } from "./print.js";
import type { LayerKind, LayerSummary, NetSummary, TopSummary } from "./summary.js";

/** Fill colours by what a layer is for. */
const COLOURS = {
  convolution: "#f4b6b0",
  weights: "#d9b8f0",
  pooling: "#f7d794",
  data: "#bfe3c0",
  scores: "#f29c9c",
  other: "#ffffff",
} as const satisfies Readonly<Record<LayerKind, string>>;

/** Points of the text in boxes and at edges. */
export const FONT_SIZES = { node: 11, edge: 9 } as const;

/**
 * A net of one or both phases in Graphviz's language: a box for each layer with its window, in-place layers stacked under the box that they
 * work on, edges named by blobs and shapes, layers of one phase only dashed, and dotted lines between layers that share parameters. What
 * differs between phases in its batch size alone is drawn once. Layers of a block, by their names, are framed. Text is laid out `scale`
 * times as large.
 */
export function toDot(nets: readonly NetSummary[], scale = 1): string {
  const lines = [
    "digraph net {",
    `  graph [label=${quote(nets[0]?.name ?? "")}, labelloc=t, fontname="Helvetica"];`,
    `  node [shape=box, style="filled,rounded", fontname="Helvetica", fontsize=${FONT_SIZES.node * scale}, margin="0.2,0.08"];`,
    `  edge [fontname="Helvetica", fontsize=${FONT_SIZES.edge * scale}];`,
  ];
  const nodes: Nodes = new Map();
  const edges: Edges = new Map();
  for (const net of nets) addNet(net, nodes, edges);
  const all = nets.map(({ phase }) => phase);
  for (const { id, stack, phases } of nodes.values()) lines.push(`  ${id} [${nodeAttributes(stack, phases, all)}];`);
  const ids = new Map([...nodes.values()].map(({ stack, id }) => [stack[0]!.name, id]));
  let cluster = 0;
  for (const [block, members] of layerBlocks([...ids.keys()])) {
    const inside = members.map((name) => `${ids.get(name)};`).join(" ");
    const style = 'style="rounded,dashed", color="#888888", fontname="Helvetica", labeljust=l';
    lines.push(`  subgraph cluster_${cluster++} { label=${quote(block)}; graph [${style}]; ${inside} }`);
  }
  for (const edge of edges.values()) lines.push(edgeText(edge));
  lines.push("}");
  return `${lines.join("\n")}\n`;
}

type Nodes = Map<string, { phases: string[]; stack: readonly LayerSummary[]; id: string }>;
type Edges = Map<string, Edge>;

interface Edge {
  readonly from: string;
  readonly to: string;
  /** The blob; absent for layers that share parameters. */
  readonly blob?: string;
  readonly shape?: readonly number[] | undefined;
  /** Batch sizes of the phases. */
  readonly batches: Set<number>;
}

function edgeText({ from, to, blob, shape, batches }: Edge): string {
  if (blob === undefined) return `  ${from} -> ${to} [style=dotted, dir=none, constraint=false, label="shared"];`;
  const dims = shape && [[...batches].join("/"), ...shape.slice(1)].join("x");
  return `  ${from} -> ${to} [label=${quote(dims ? `${blob}\n${dims}` : blob)}];`;
}

function addNet({ layers, phase }: NetSummary, nodes: Nodes, edges: Edges): void {
  const stacks = stackInPlace(layers);
  const ids = new Map<LayerSummary, string>();
  for (const stack of stacks) {
    const withoutBatch = ({ name, shape }: TopSummary) => [name, shape?.slice(1)];
    const key = JSON.stringify(stack.map(({ name, type, tops }) => [name, type, tops.map(withoutBatch)]));
    const node = nodes.get(key) ?? { phases: [], stack, id: `n${nodes.size}` };
    node.phases.push(phase);
    nodes.set(key, node);
    for (const layer of stack) ids.set(layer, node.id);
  }
  const makers = new Map<string, { readonly maker: LayerSummary; readonly shape: readonly number[] | undefined }>();
  const owners = new Map<string, LayerSummary>();
  for (const layer of layers) {
    for (const bottom of layer.bottoms) {
      const { maker, shape } = makers.get(bottom) ?? {};
      if (!maker || ids.get(maker) === ids.get(layer)) continue;
      const [from, to] = [ids.get(maker)!, ids.get(layer)!];
      const key = JSON.stringify([from, to, bottom, shape?.slice(1)]);
      const edge = edges.get(key) ?? { from, to, blob: bottom, shape, batches: new Set() };
      if (shape?.[0] !== undefined) edge.batches.add(shape[0]);
      edges.set(key, edge);
    }
    for (const name of layer.sharesWith) {
      const owner = owners.get(name);
      if (!owner) continue;
      const [from, to] = [ids.get(owner)!, ids.get(layer)!];
      edges.set(JSON.stringify([from, to]), { from, to, batches: new Set() });
    }
    for (const { name, shape } of layer.tops) makers.set(name, { maker: layer, shape });
    owners.set(layer.name, layer);
  }
}

/** Layers in order, each with the in-place layers that work on its top before anyone else reads it. */
function stackInPlace(layers: readonly LayerSummary[]): LayerSummary[][] {
  const stacks: LayerSummary[][] = [];
  const making = new Map<string, LayerSummary[]>();
  for (const layer of layers) {
    const top = layer.tops[0]?.name;
    const stack = layer.inPlace && layer.bottoms.length === 1 && top !== undefined ? making.get(top) : undefined;
    if (stack) {
      stack.push(layer);
      continue;
    }
    // A blob that is read may still be changed in place later; then that is a box of its own.
    for (const bottom of layer.bottoms) making.delete(bottom);
    const made = [layer];
    stacks.push(made);
    for (const { name } of layer.tops) making.set(name, made);
  }
  return stacks;
}

function nodeAttributes(stack: readonly LayerSummary[], phases: readonly string[], all: readonly string[]): string {
  const [first] = stack;
  const isPartial = phases.length < all.length;
  const text = stack.flatMap((layer) => [
    `${layer.name}: ${layer.type}${costText(layer)}`,
    ...(layer.window === "" ? [] : [layer.window]),
  ]);
  if (isPartial) text.push(`(${phases.join(", ")} only)`);
  const style = isPartial ? ', style="filled,rounded,dashed"' : "";
  return `label=${quote(text.join("\n"))}, fillcolor="${COLOURS[first!.kind]}"${style}`;
}

function costText({ blobs, parameters }: LayerSummary): string {
  return blobs.length === 0 ? "" : ` (${blobs[0]!.shape.join("x")}, ${grouped(parameters)} parameters)`;
}

function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;
}
