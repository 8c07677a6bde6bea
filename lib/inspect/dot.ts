import { blockName, layerBlocks } from "./groups.js";
import { grouped } from "./print.js";
import { findRepeats, type Repeat, type RepeatBox } from "./repeats.js";
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

/** Points of the text in boxes, at edges and of frames. */
export const FONT_SIZES = { node: 11, edge: 9, frame: 12 } as const;

/** Boxes from which on repeated parts are drawn once. */
const MANY_BOXES = 50;

/** Look of a drawing in Graphviz's language. */
export interface DotOptions {
  /** Text is laid out so many times as large. Default 1. */
  readonly scale?: number | undefined;
  /** True if repeated parts are drawn each time; by default they are drawn once in nets of 50 boxes and more. */
  readonly full?: boolean | undefined;
}

/**
 * A net of one or both phases in Graphviz's language: a box for each layer with its window, in-place layers stacked under the box that they
 * work on, edges named by blobs and shapes, layers of one phase only dashed, and dotted lines between layers that share parameters. What
 * differs between phases in its batch size alone is drawn once. Layers of a block, by their names, are framed; parts of a large net that are
 * repeated are drawn once, in a frame that says how often.
 */
export function toDot(nets: readonly NetSummary[], { scale = 1, full = false }: DotOptions = {}): string {
  const lines = [
    "digraph net {",
    `  graph [label=${quote(nets[0]?.name ?? "")}, labelloc=t, fontname="Helvetica", fontsize=${FONT_SIZES.frame * scale}];`,
    `  node [shape=box, style="filled,rounded", fontname="Helvetica", fontsize=${FONT_SIZES.node * scale}, margin="0.2,0.08"];`,
    `  edge [fontname="Helvetica", fontsize=${FONT_SIZES.edge * scale}];`,
  ];
  const nodes: Nodes = new Map();
  const edges: Edges = new Map();
  for (const net of nets) addNet(net, nodes, edges);
  const isWhole = full || nodes.size < MANY_BOXES;
  const all = [...edges.values()];
  const boxes = isWhole ? [...nodes.values()] : trunkFirst([...nodes.values()], all);
  const repeats = isWhole ? [] : findRepeats(repeatBoxes(boxes, all));
  const parts = partsOf(boxes, repeats);
  const allPhases = nets.map(({ phase }) => phase);
  for (const { id, phases, stack } of boxes)
    if (parts.drawn(id) === id) lines.push(`  ${id} [${nodeAttributes(parts.like(id, stack), phases, allPhases)}];`);
  for (const [cluster, { label, ids, isRepeat }] of framesOf(boxes, repeats).entries()) {
    const look = isRepeat
      ? 'style="rounded,bold", color="#0062a8", fontcolor="#0062a8"'
      : 'style="rounded,dashed", color="#888888"';
    const inside = ids.map((id) => `${id};`).join(" ");
    lines.push(
      `  subgraph cluster_${cluster} { label=${quote(label)}; graph [${look}, fontname="Helvetica", fontsize=${FONT_SIZES.frame * scale}, labeljust=l]; ${inside} }`,
    );
  }
  for (const text of edgeTexts(all, parts)) lines.push(text);
  lines.push("}");
  return `${lines.join("\n")}\n`;
}

type Nodes = Map<string, Box>;
type Edges = Map<string, Edge>;

interface Box {
  readonly phases: string[];
  readonly stack: readonly LayerSummary[];
  readonly id: string;
}

interface Edge {
  readonly from: string;
  readonly to: string;
  /** The blob; absent for layers that share parameters. */
  readonly blob?: string;
  readonly shape?: readonly number[] | undefined;
  /** Batch sizes of the phases. */
  readonly batches: Set<number>;
}

/**
 * The boxes that the deepest one depends on, in their order, and then all others: layers of a head in the middle of a net stand between blocks
 * that are alike.
 */
function trunkFirst(boxes: readonly Box[], edges: readonly Edge[]): readonly Box[] {
  const reads = edges.filter(({ blob }) => blob !== undefined);
  const depths = new Map<string, number>();
  // A box is made after those that it reads, so that one walk is enough.
  for (const { from, to } of reads) depths.set(to, Math.max(depths.get(to) ?? 0, (depths.get(from) ?? 0) + 1));
  const deepest = boxes.reduce((a, b) => ((depths.get(b.id) ?? 0) > (depths.get(a.id) ?? 0) ? b : a));
  const trunk = new Set([deepest.id]);
  for (const { from, to } of reads.toReversed()) if (trunk.has(to)) trunk.add(from);
  return [...boxes.filter(({ id }) => trunk.has(id)), ...boxes.filter(({ id }) => !trunk.has(id))];
}

/** The boxes as repeats are found among them: alike are layers of the same types and windows, whatever their channels. */
function repeatBoxes(boxes: readonly Box[], edges: readonly Edge[]): readonly RepeatBox[] {
  const places = new Map(boxes.map(({ id }, at) => [id, at]));
  const made = boxes.map(({ stack, phases }) => ({
    name: stack[0]!.name,
    likeness: JSON.stringify([phases, stack.map(({ type, window, blobs }) => [type, window, blobs.length])]),
    sources: [] as number[],
    targets: [] as number[],
  }));
  for (const { from, to, blob } of edges) {
    const [source, target] = [places.get(from)!, places.get(to)!];
    made[target]!.sources.push(source);
    made[source]!.targets.push(target);
    // Layers that share parameters are where they are.
    if (blob === undefined) for (const at of [source, target]) made[at]!.likeness += at;
  }
  return made;
}

/** Boxes by their places in the drawing: those of a repeated part stand in its first. */
interface Parts {
  /** The box that stands for a box. */
  drawn(id: string): string;
  /** The stacks that a box stands for, the first and the last; one where it stands for itself. */
  like(id: string, stack: readonly LayerSummary[]): readonly (readonly LayerSummary[])[];
}

function partsOf(boxes: readonly Box[], repeats: readonly Repeat[]): Parts {
  const first = new Map<string, string>();
  const last = new Map<string, Box>();
  for (const { from, period, count } of repeats)
    for (let at = 0; at < period * count; at++) {
      const [own, drawn] = [boxes[from + at]!, boxes[from + (at % period)]!];
      first.set(own.id, drawn.id);
      last.set(drawn.id, own);
    }
  return {
    drawn: (id) => first.get(id) ?? id,
    like: (id, stack) => (last.has(id) ? [stack, last.get(id)!.stack] : [stack]),
  };
}

/** Frames around boxes: repeated parts, and blocks by their names. */
function framesOf(boxes: readonly Box[], repeats: readonly Repeat[]) {
  const nameOf = (at: number) => boxes[at]!.stack[0]!.name;
  const repeated = repeats.map(({ from, period, count }) => {
    const ends = [from, from + period * (count - 1)].map(nameOf);
    const [first, last] = ends.map((name) => blockName(name) ?? name);
    // Layers of one block have their own names.
    const names = first === last ? ends : [first, last];
    const ids = boxes.slice(from, from + period).map(({ id }) => id);
    return { label: `${count} times: ${names.join(" to ")}`, ids, isRepeat: true };
  });
  const isRepeated = (at: number) =>
    repeats.some(({ from, period, count }) => at >= from && at < from + period * count);
  const ids = new Map(boxes.filter((_, at) => !isRepeated(at)).map(({ stack, id }) => [stack[0]!.name, id]));
  const blocks = [...layerBlocks([...ids.keys()])].map(([label, members]) => ({
    label,
    ids: members.map((name) => ids.get(name)!),
    isRepeat: false,
  }));
  return [...blocks, ...repeated];
}

/** The edges; those of repeated parts once, with the sizes of the first and the last. */
function edgeTexts(edges: readonly Edge[], { drawn }: Parts): readonly string[] {
  const incoming = new Map<string, number>();
  const byPlace = new Map<string, { readonly first: Edge; last: Edge }>();
  for (const edge of edges) {
    const index = incoming.get(edge.to) ?? 0;
    incoming.set(edge.to, index + 1);
    const place = `${drawn(edge.to)} ${index}`;
    const known = byPlace.get(place);
    if (known) known.last = edge;
    else byPlace.set(place, { first: { ...edge, from: drawn(edge.from) }, last: edge });
  }
  return [...byPlace.values()].map(({ first, last }) => edgeText(first, last));
}

function edgeText({ from, to, blob, shape, batches }: Edge, last: Edge): string {
  if (blob === undefined) return `  ${from} -> ${to} [style=dotted, dir=none, constraint=false, label="shared"];`;
  const dims = shape && [[...batches].join("/"), ...sizeTexts(shape.slice(1), last.shape?.slice(1))].join("x");
  return `  ${from} -> ${to} [label=${quote(dims ? `${blob}\n${dims}` : blob)}];`;
}

/** Sizes of the first and the last of repeated parts: `64…256` where they differ. */
const sizeTexts = (first: readonly number[], last: readonly number[] = first): readonly string[] =>
  first.map((size, i) => rangeText(size, last[i] ?? size));

const rangeText = (first: number, last: number, text: (size: number) => string = String): string =>
  first === last ? text(first) : `${text(first)}…${text(last)}`;

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

/** Text and look of a box, of the first and the last that it stands for. */
function nodeAttributes(
  [stack, last = stack]: readonly (readonly LayerSummary[])[],
  phases: readonly string[],
  all: readonly string[],
): string {
  const [first] = stack!;
  const isPartial = phases.length < all.length;
  const text = stack!.flatMap((layer, i) => [
    `${layer.name}: ${layer.type}${costText(layer, last![i]!)}`,
    ...(layer.window === "" ? [] : [layer.window]),
  ]);
  if (isPartial) text.push(`(${phases.join(", ")} only)`);
  const style = isPartial ? ', style="filled,rounded,dashed"' : "";
  return `label=${quote(text.join("\n"))}, fillcolor="${COLOURS[first!.kind]}"${style}`;
}

function costText({ blobs, parameters }: LayerSummary, last: LayerSummary): string {
  if (blobs.length === 0) return "";
  const shape = sizeTexts(blobs[0]!.shape, last.blobs[0]!.shape).join("x");
  return ` (${shape}, ${rangeText(parameters, last.parameters, grouped)} parameters)`;
}

function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;
}
