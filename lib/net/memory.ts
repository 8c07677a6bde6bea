import type { LayerParameter } from "../caffe/messages.js";
import { type CaffeMemory, findType, isDataLayer, type LayerType, type PhaseName } from "../layers/index.js";
import { phaseOf } from "./lower.js";

/** One layer in a net's use of memory. */
export interface Use {
  readonly layer: LayerParameter;
  readonly caffe: CaffeMemory;
  readonly bottoms: readonly BlobVersion[];
  readonly tops: readonly BlobVersion[];
  /** True if it or a layer under it has gradients to compute. */
  learning: boolean;
  /** True if a gradient comes to one of its tops. */
  underLoss: boolean;
}

/** A blob between two layers that change it, in the memory of a blob of Caffe. */
export interface BlobVersion {
  readonly memory: Memory;
  /** Number of changes of its memory before it was made. */
  readonly age: number;
  /** The layer that made it; the first of its blob's, not those in place. */
  readonly producer: Use | undefined;
  readonly origin: Use | undefined;
  readonly readers: { readonly use: Use; readonly index: number }[];
  /** The weight that the prototxt gives it in the objective. */
  readonly isLoss: boolean;
  /** True if a gradient comes to it. */
  underLoss: boolean;
}

/** The memory of one blob of Caffe, or of several that share it. */
export interface Memory {
  /** Layers that changed it in place, in order. */
  readonly changes: Use[];
  /** Ages at which it has several readers, so that a gradient comes by several ways. */
  readonly branches: number[];
}

/** A layer that runs forward on memory that a layer above it has changed since. */
export interface Stale {
  readonly reader: Use;
  readonly change: Use;
}

export interface MemoryOptions {
  readonly phase: PhaseName;
  readonly types?: ReadonlyMap<string, LayerType> | undefined;
  readonly forceBackward: boolean;
  /** Names of layers with parameters that have gradients. */
  readonly learning: ReadonlySet<string>;
  /** True if gradients are asked for from any blob to any other, or those alone that training needs. */
  readonly wanted: "all" | "trainable";
}

/** Use of memory by a net's layers, in order, in Caffe. */
export function memoryOf(
  layers: readonly LayerParameter[],
  options: MemoryOptions,
): { readonly uses: readonly Use[]; readonly stale: readonly Stale[] } {
  const blobs = new Map<string, BlobVersion>();
  const stale: Stale[] = [];
  const all = options.wanted === "all" || options.forceBackward;
  const uses = layers.map((layer): Use => {
    const type = findType(layer, options.types);
    const bottoms = layer.bottom.flatMap((name) => blobs.get(name) ?? []);
    const learning = all || options.learning.has(layer.name) || bottoms.some(({ producer }) => producer?.learning);
    const caffe = type?.caffeMemory?.(layer, phaseOf(layer) ?? options.phase) ?? {};
    const tops: BlobVersion[] = [];
    const use: Use = { layer, caffe, bottoms, tops, learning, underLoss: options.wanted === "all" };
    bottoms.forEach((version, index) => {
      version.readers.push({ use, index });
      if (version.readers.length > 1) version.memory.branches.push(version.age);
      const { changes } = version.memory;
      let age = version.age;
      while (changes[age]?.caffe.keeps === "values") age++;
      const change = changes[age];
      if (change) stale.push({ reader: use, change });
    });
    layer.top.forEach((name, i) => {
      const version = topOf(use, i, type?.loss === true, options.wanted === "all");
      tops.push(version);
      blobs.set(name, version);
    });
    return use;
  });
  if (options.wanted !== "all") for (const use of uses.toReversed()) pass(use, options);
  return { uses, stale };
}

function topOf(use: Use, index: number, isLossType: boolean, all: boolean): BlobVersion {
  const { layer, bottoms, caffe } = use;
  const isLoss = (layer.loss_weight[index] ?? (isLossType && index === 0 ? 1 : 0)) !== 0;
  const fresh = { producer: use, readers: [], isLoss, underLoss: isLoss || all };
  const below = bottoms[index];
  if (below && isInPlace(layer, index)) {
    below.memory.changes.push(use);
    return { ...fresh, memory: below.memory, age: below.memory.changes.length, origin: below.origin };
  }
  if (caffe.sharesValues && bottoms[0]) {
    if (index > 0) bottoms[0].memory.branches.push(bottoms[0].age);
    return { ...fresh, memory: bottoms[0].memory, age: bottoms[0].age, origin: use };
  }
  return { ...fresh, memory: { changes: [], branches: [] }, age: 0, origin: use };
}

/** Notes whether a gradient comes to a layer, and hands it on to its bottoms. */
function pass(use: Use, options: MemoryOptions): void {
  use.underLoss = use.tops.some(({ underLoss }) => underLoss) || (use.tops.length === 0 && isLossAlone(use, options));
  if (!use.underLoss) return;
  use.bottoms.forEach((version, index) => {
    if (passesTo(use, index, options)) version.underLoss = true;
  });
}

/** A loss without tops has an unnamed one. */
function isLossAlone({ layer }: Use, { types }: MemoryOptions): boolean {
  return findType(layer, types)?.loss === true && (layer.loss_weight[0] ?? 1) !== 0;
}

/** Tests whether a layer has a gradient for one of its bottoms, by the formula. */
export function passesTo({ layer, bottoms }: Use, index: number, options: MemoryOptions): boolean {
  const type = findType(layer, options.types);
  const without = !type || isDataLayer(type) ? [] : (type.noGradientTo ?? []);
  if (without.includes(index) || without.includes(index - bottoms.length)) return false;
  return options.forceBackward || (layer.propagate_down[index] ?? true);
}

/** Tests whether a layer's top is in the place of its bottom. */
export const isInPlace = (layer: LayerParameter, index: number): boolean =>
  layer.bottom[index] !== undefined && layer.bottom[index] === layer.top[index];
