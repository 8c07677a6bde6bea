import type { LayerParameter } from "../caffe/messages.js";
import type { Value } from "../graph/index.js";
import { factsOf, placeTops } from "../layers/index.js";
import { foldAffine } from "./fold.js";
import type { FoldedWeights } from "./folded-weights.js";
import { toHalf } from "./half.js";
import { type Calibration, toInt8 } from "./int8/quantize.js";
import { dropGradients, foldConstants, substitute } from "./simplify.js";

/** What decides on the passes of a conversion. */
export interface PassSettings {
  readonly layers: readonly LayerParameter[];
  readonly fold: boolean;
  readonly foldedWeights: FoldedWeights;
  /** Whether some dims are to be left open. */
  readonly openDims: boolean;
  /** Half-precision constants made so far, by their float32 elements; undefined for full precision. */
  readonly halves: Map<unknown, Uint16Array> | undefined;
  /** How blobs are stored in 8 bits; undefined where they are not. */
  readonly int8: Calibration | undefined;
}

/** New values by old ones. */
type Become = ReadonlyMap<Value, Value>;

/**
 * A named rewriting of a graph, as a target's pass is one, with two differences: it reports the new value of every old one, since blobs
 * inside a file keep their names, and it may take its time, since constants are computed by onnxruntime.
 */
export interface InferencePass {
  readonly name: string;
  readonly apply: (ends: readonly Value[]) => Become | Promise<Become>;
}

/** The passes of a conversion, and which layers folding has made part of which others, known when they have run. */
export interface InferencePasses {
  readonly passes: readonly InferencePass[];
  readonly folded: () => ReadonlyMap<string, ReadonlySet<string>>;
}

/** The way from a lowered net to what a file has, in order. `leaves` are what stands for leaves: weights for parameters. */
export function inferencePasses(settings: PassSettings, leaves: Become): InferencePasses {
  const { fold, foldedWeights, openDims, int8, halves, layers } = settings;
  let folded: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  const intoWeights = (ends: readonly Value[]) => {
    const foldable = new Set(layers.flatMap((layer) => (factsOf(layer).affine ? [layer.name] : [])));
    const result = foldAffine(ends, foldedWeights, (label) => foldable.has(label));
    folded = result.layers;
    return result.become;
  };
  const passes: (InferencePass | undefined)[] = [
    { name: "weights", apply: (ends) => substitute(ends, leaves) },
    { name: "drop-gradients", apply: dropGradients },
    { name: "fold-constants", apply: (ends) => foldConstants(ends, openDims) },
    // Constants that were computed show more that is neutral: x + 0, x * 1.
    { name: "drop-neutral", apply: dropGradients },
    fold ? { name: "fold-affine", apply: intoWeights } : undefined,
    int8 && { name: "int8", apply: (ends) => toInt8(ends, int8) },
    halves && { name: "half", apply: (ends) => toHalf(ends, halves, exactLayers(layers), foldedWeights) },
  ];
  return { passes: passes.filter((pass) => pass !== undefined), folded: () => folded };
}

/** Layers that half precision cannot count for: those that compute with coordinates, and places of maxima and what takes them. */
function exactLayers(layers: readonly LayerParameter[]): ReadonlySet<string> {
  const places = new Set(layers.flatMap(placeTops));
  const isExact = (layer: LayerParameter) =>
    factsOf(layer).exact === true || [...layer.bottom, ...layer.top].some((blob) => places.has(blob));
  return new Set(layers.filter(isExact).map(({ name }) => name));
}
