import type { LayerParameter } from "../../caffe/messages.js";
import type { Elements, Value } from "../../graph/index.js";
import { factsOf, placeTops } from "../../layers/index.js";
import { batchNorm, portable } from "../portable.js";
import type { Become, Pass, Target } from "../target.js";
import { foldAffine } from "./affine.js";
import { foldConstants } from "./constants.js";
import type { FoldedWeights } from "./folded-weights.js";
import { toHalf } from "./half.js";
import { type Calibration, toInt8 } from "./int8/quantize.js";
import { mixedLrn } from "./lrn.js";
import { dropGradients, substitute } from "./simplify.js";

/** Context of the passes of inference besides the graph. */
export interface InferenceContext {
  /** Values of leaves: weights for parameters, preprocessed images for images. */
  readonly leaves: Become;
  /** The layers of the net, whose facts decide on what may be folded and what is exact in half precision. */
  readonly layers: readonly LayerParameter[];
  readonly foldedWeights: FoldedWeights;
  /** True if some dims are to be left open. */
  readonly openDims: boolean;
  /** The elements of values that depend on constants alone. */
  evaluate(values: readonly Value[]): Promise<readonly Elements[]>;
  /** Called with the layers that folding has made part of others, by those. */
  onFolded?(layers: ReadonlyMap<string, ReadonlySet<string>>): void;
}

/** Storage of numbers, and whether scales and shifts become part of the weights before them. */
export interface InferenceForm {
  readonly fold: boolean;
  /** Half-precision constants made so far, by their float32 elements; undefined for full precision. */
  readonly halves: Map<unknown, Uint16Array> | undefined;
  /** Storage of blobs in 8 bits; undefined where they are not. */
  readonly int8: Calibration | undefined;
}

/** Weights as constants, and what follows from that alone. */
const constants: readonly Pass<InferenceContext>[] = [
  { name: "weights", apply: (ends, { leaves }) => substitute(ends, leaves) },
  { name: "drop-gradients", apply: dropGradients },
  { name: "fold-constants", apply: (ends, { openDims, evaluate }) => foldConstants(ends, openDims, evaluate) },
  // Constants that were computed show more that is neutral: x + 0, x * 1.
  { name: "drop-neutral", apply: dropGradients },
];

const affine: Pass<InferenceContext> = {
  name: "fold-affine",
  apply(ends, { layers, foldedWeights, onFolded }) {
    const foldable = new Set(layers.flatMap((layer) => (factsOf(layer).affine ? [layer.name] : [])));
    const folded = foldAffine(ends, foldedWeights, (label) => foldable.has(label));
    onFolded?.(folded.layers);
    return folded.become;
  },
};

const inInt8 = (calibration: Calibration): Pass => ({ name: "int8", apply: (ends) => toInt8(ends, calibration) });

const inHalf = (halves: Map<unknown, Uint16Array>): Pass<InferenceContext> => ({
  name: "half",
  apply: (ends, { layers, foldedWeights }) => toHalf(ends, halves, exactLayers(layers), foldedWeights),
});

/** Inference in standard ONNX alone, on whatever reads it: what a converted file has. */
export const standardInference = ({ fold, halves, int8 }: InferenceForm): Target<InferenceContext> => ({
  provider: "any",
  mode: "inference",
  passes: [
    mixedLrn,
    batchNorm,
    ...constants,
    ...(fold ? [affine] : []),
    ...(int8 ? [inInt8(int8)] : []),
    ...(halves ? [inHalf(halves)] : []),
  ],
});

/** Inference in netrun itself: folded, and what is left formulated as for training. */
export const inference: Target<InferenceContext> = {
  provider: "any",
  mode: "inference",
  passes: [...constants, affine, ...portable.passes],
};

/** Layers that half precision cannot count for: those that compute with coordinates, and places of maxima and what takes them. */
function exactLayers(layers: readonly LayerParameter[]): ReadonlySet<string> {
  const places = new Set(layers.flatMap(placeTops));
  const isExact = (layer: LayerParameter) =>
    factsOf(layer).exact === true || [...layer.bottom, ...layer.top].some((blob) => places.has(blob));
  return new Set(layers.filter(isExact).map(({ name }) => name));
}
