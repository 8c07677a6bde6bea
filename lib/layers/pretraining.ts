import { amend, create, has, sub } from "../caffe/message.js";
import {
  type FillerParameter,
  type InnerProductParameter,
  type LayerParameter,
  type NetParameter,
  Phase,
  RBMParameter_Units as Units,
} from "../caffe/messages.js";
import { NetrunError, nearest } from "../error.js";
import { spanOf } from "../text/notes.js";
import { findType } from "./find-type.js";
import { isDataLayer } from "./layer.js";

/** Kinds of units: 0 or 1 with a probability, or normal with deviation 1. */
export type UnitKind = "binary" | "gaussian";

/** Training of one layer by itself, on the activations of those before it. */
export interface PretrainingChoice {
  readonly kind: "rbm" | "autoencoder";
  readonly visible: UnitKind;
  /** Steps of Gibbs sampling of an RBM. */
  readonly cdSteps: number;
  /** True if an RBM's chains go on from batch to batch. */
  readonly persistent: boolean;
  /** Probability with which an autoencoder's inputs are set to 0. */
  readonly corruption: number;
  /** True if an autoencoder's decoder has the transposed weights of its encoder. */
  readonly tied: boolean;
}

/** A layer to pretrain: an InnerProduct, and the layer that is its activation. */
export interface Stage {
  readonly layer: LayerParameter;
  readonly param: InnerProductParameter;
  readonly activation: LayerParameter | undefined;
  /** Its place among the net's layers. */
  readonly index: number;
  /** The layer that unrolls it: of a deep autoencoder's decoder, with the transposed weights. */
  readonly decoder: LayerParameter | undefined;
}

/** Shapes of the parameter blobs of a layer, by its name. */
export type BlobShapesOf = (layer: string) => readonly (readonly number[])[];

/** Names of a stage's outputs. */
export const PRETRAINING_OUTPUTS = {
  loss: "pretraining_loss",
  error: "reconstruction_error",
  energy: "free_energy",
} as const;

const ACTIVATIONS = ["Sigmoid", "TanH", "ReLU", "ELU", "BNLL", "Swish", "PReLU"];

/**
 * The layers of a net to pretrain, in order: those that are named, or else the encoder of a net whose InnerProducts mirror each
 * other (a deep autoencoder), or else all InnerProducts that have an activation. Throws NetrunError where there is none.
 */
export function pretrainingStages(
  layers: readonly LayerParameter[],
  shapesOf: BlobShapesOf,
  names?: readonly string[],
): readonly Stage[] {
  const all = layers.flatMap((layer, index): Stage[] => {
    if (layer.type !== "InnerProduct" || layer.bottom.length !== 1) return [];
    const next = layers.slice(index + 1).find(({ bottom }) => bottom.includes(layer.top[0]!));
    const activation = next && ACTIVATIONS.includes(next.type) ? next : undefined;
    return [{ layer, param: sub(layer, "inner_product_param"), activation, index, decoder: undefined }];
  });
  const isOf = (stage: Stage) => shapesOf(stage.layer.name)[0]!;
  const sizes = all.map((stage) => sizesOf(stage, isOf(stage)));
  const isMirrored =
    all.length > 0 &&
    all.length % 2 === 0 &&
    sizes.every(({ k, n }, i) => k === sizes[all.length - 1 - i]!.n && n === sizes[all.length - 1 - i]!.k);
  const half = all.slice(0, all.length / 2).map((stage, i) => ({ ...stage, decoder: all.at(-1 - i)!.layer }));
  if (names !== undefined) {
    return names.map((name) => {
      const found = (isMirrored ? [...half, ...all.slice(half.length)] : all).find(({ layer }) => layer.name === name);
      if (found) return found;
      const known = all.map(({ layer }) => layer.name);
      const near = nearest(name, known);
      throw new NetrunError(`no InnerProduct "${name}" to pretrain`, {
        notes: [near ? `did you mean "${near}"?` : `InnerProducts here: ${known.join(", ") || "none"}`],
      });
    });
  }
  const chosen = isMirrored ? half : all.filter(({ activation }) => activation);
  if (chosen.length > 0) return chosen;
  throw new NetrunError("the net has no layer to pretrain", {
    notes: ["InnerProducts with a Sigmoid or another activation are pretrained; --layers NAMES names others"],
  });
}

function sizesOf({ param }: Stage, shape: readonly number[]): { readonly n: number; readonly k: number } {
  const [rows, columns] = shape as [number, number];
  return param.transpose ? { n: columns, k: rows } : { n: rows, k: columns };
}

/** Layers whose values, or some of them, are those of their bottom. */
const PASSING = ["Flatten", "Reshape", "Split", "Dropout", "Pooling"];

/** The last layer before a stage that makes the values of its input, and the blob that has them, in its own shape. */
function originOf(layers: readonly LayerParameter[], { layer, index }: Stage) {
  let [blob] = layer.bottom as [string];
  for (let i = index - 1; i >= 0; i--) {
    const maker = layers[i]!;
    if (!maker.top.includes(blob)) continue;
    if (!PASSING.includes(maker.type)) return { blob, maker };
    blob = maker.bottom[0]!;
  }
  return { blob, maker: undefined };
}

/** The blob that has the values of a stage's input in the shape that they come in: images, where the input is flattened. */
export function inputBlob(layers: readonly LayerParameter[], stage: Stage, sizeOf: (blob: string) => number): string {
  const { blob } = originOf(layers, stage);
  const [bottom] = stage.layer.bottom as [string];
  return sizeOf(blob) === sizeOf(bottom) ? blob : bottom;
}

/** Kind of the visible units of a stage that nobody says: what its input's layer gives between 0 and 1 is binary, else Gaussian. */
export function visibleUnits(layers: readonly LayerParameter[], stage: Stage): UnitKind {
  const { maker } = originOf(layers, stage);
  const type = maker && findType(maker);
  return !type || isDataLayer(type) || maker.type === "Sigmoid" ? "binary" : "gaussian";
}

/**
 * The net that pretrains a stage: the layers that its input comes from, as they run in tests and fixed, and in place of the rest of the
 * net a machine or an autoencoder on it. Throws NetrunError for an activation that a machine does not have.
 */
export function pretrainingNet(
  net: NetParameter,
  layers: readonly LayerParameter[],
  stage: Stage,
  choice: PretrainingChoice,
  shapesOf: BlobShapesOf,
): NetParameter {
  const below = layersBelow(layers, stage).map((layer) => {
    const type = findType(layer);
    if (!type || isDataLayer(type)) return layer;
    const blobs = shapesOf(layer.name).length;
    const param = Array.from({ length: blobs }, (_, i) => ({ ...layer.param[i], lr_mult: 0, decay_mult: 0 }));
    return amend(layer, { phase: Phase.TEST, param });
  });
  const visible = sizesOf(stage, shapesOf(stage.layer.name)[0]!).k;
  const own = choice.kind === "rbm" ? [machine(stage, choice)] : autoencoder(stage, choice, visible);
  return amend(net, { layer: [...below, ...own], force_backward: false });
}

/** The layers that the input of a stage comes from, in order. */
function layersBelow(layers: readonly LayerParameter[], { layer, index }: Stage): readonly LayerParameter[] {
  const needed = new Set(layer.bottom);
  const found: LayerParameter[] = [];
  for (const below of layers.slice(0, index).reverse()) {
    if (!below.top.some((top) => needed.has(top))) continue;
    found.push(below);
    for (const bottom of below.bottom) needed.add(bottom);
  }
  return found.reverse();
}

const SMALL = { type: "gaussian", std: 0.01 };
const ZEROS = { type: "constant", value: 0 };

const weightFiller = (param: InnerProductParameter): FillerParameter =>
  has(param, "weight_filler") ? sub(param, "weight_filler") : create("FillerParameter", SMALL);
const biasFiller = (param: InnerProductParameter): FillerParameter =>
  has(param, "bias_filler") ? sub(param, "bias_filler") : create("FillerParameter", ZEROS);

/** Multipliers of weights, and of the bias of a layer, which stays 0 where that has none. */
const multipliers = (param: InnerProductParameter) =>
  [
    { lr_mult: 1, decay_mult: 1 },
    { lr_mult: param.bias_term ? 1 : 0, decay_mult: 0 },
  ] as const;

function machine({ layer, param, activation }: Stage, { visible, cdSteps, persistent }: PretrainingChoice) {
  if (activation && activation.type !== "Sigmoid") {
    throw new NetrunError(`layer "${layer.name}": its activation is ${activation.type}, which no RBM has`, {
      span: spanOf(activation),
      notes: ["hidden units of an RBM are Sigmoid, or linear (Gaussian); autoencoders take any activation"],
    });
  }
  const { loss, error, energy } = PRETRAINING_OUTPUTS;
  return create("LayerParameter", {
    name: layer.name,
    type: "RBM",
    bottom: layer.bottom,
    top: [loss, error, energy],
    loss_weight: [1, 0, 0],
    param: [...multipliers(param), { lr_mult: 1, decay_mult: 0 }],
    rbm_param: {
      num_output: param.num_output,
      visible: visible === "gaussian" ? Units.GAUSSIAN : Units.BINARY,
      hidden: activation ? Units.BINARY : Units.GAUSSIAN,
      cd_steps: cdSteps,
      persistent,
      weight_filler: weightFiller(param),
      bias_filler: param.bias_term ? biasFiller(param) : ZEROS,
    },
  });
}

function autoencoder({ layer, param, activation }: Stage, choice: PretrainingChoice, visible: number) {
  const { loss, error } = PRETRAINING_OUTPUTS;
  const [input] = layer.bottom as [string];
  const weights = "pretraining/weights";
  const inner = (name: string, bottom: string, top: string, outputs: number, transpose: boolean) => ({
    name,
    type: "InnerProduct",
    bottom: [bottom],
    top: [top],
    inner_product_param: {
      num_output: outputs,
      transpose,
      weight_filler: weightFiller(param),
      bias_filler: transpose || !param.bias_term ? ZEROS : biasFiller(param),
    },
  });
  const [w, c] = multipliers(param);
  const corrupted = choice.corruption > 0 ? "pretraining/corrupted" : input;
  const hidden = activation ? "pretraining/hidden" : "pretraining/inner";
  const isBinary = choice.visible === "binary";
  const reconstruction = isBinary ? "pretraining/reconstruction" : "pretraining/decoded";
  return [
    ...(choice.corruption > 0
      ? [
          {
            name: corrupted,
            type: "Dropout",
            bottom: [input],
            top: [corrupted],
            dropout_param: { dropout_ratio: choice.corruption, scale_train: false },
          },
        ]
      : []),
    {
      ...inner(layer.name, corrupted, "pretraining/inner", param.num_output, false),
      param: [choice.tied ? { ...w, name: weights } : w, c],
    },
    ...(activation
      ? [amend(activation, { name: hidden, bottom: ["pretraining/inner"], top: [hidden], param: [] })]
      : []),
    {
      ...inner(`${layer.name}/decoder`, hidden, "pretraining/decoded", visible, true),
      param: [choice.tied ? { ...w, name: weights } : w, { lr_mult: 1, decay_mult: 0 }],
    },
    ...(isBinary
      ? [
          { name: loss, type: "SigmoidCrossEntropyLoss", bottom: ["pretraining/decoded", input], top: [loss] },
          { name: reconstruction, type: "Sigmoid", bottom: ["pretraining/decoded"], top: [reconstruction] },
        ]
      : []),
    {
      name: `pretraining/${error}`,
      type: "EuclideanLoss",
      bottom: [reconstruction, input],
      top: [isBinary ? "pretraining/half" : loss],
      loss_weight: [isBinary ? 0 : 1],
    },
    {
      name: error,
      type: "Power",
      bottom: [isBinary ? "pretraining/half" : loss],
      top: [error],
      power_param: { scale: 2 / visible },
    },
  ].map((each) => ("$type" in each ? (each as LayerParameter) : create("LayerParameter", each)));
}

/** Blobs of a stage after its pretraining. */
export interface PretrainedBlobs {
  /** [hidden, visible] */
  readonly weights: Float32Array;
  readonly hiddenBias: Float32Array;
  readonly visibleBias: Float32Array;
}

/** The trained blobs of a stage, by the parameters of the net that pretrained it. */
export function pretrainedBlobs(
  { layer }: Stage,
  params: ReadonlyMap<string, readonly { readonly data: Float32Array }[]>,
): PretrainedBlobs {
  const [weights, hiddenBias, ownBias] = params.get(layer.name)!.map(({ data }) => data.slice());
  const [, decoderBias] = (params.get(`${layer.name}/decoder`) ?? []).map(({ data }) => data.slice());
  return { weights: weights!, hiddenBias: hiddenBias!, visibleBias: (ownBias ?? decoderBias)! };
}

/** Transposes a matrix [rows, columns]. */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j]!;
  return result;
}

/** The blobs of the net's own layers that a pretrained stage fills: those of its InnerProduct, and of the decoder that mirrors it. */
export function blobsOfStage(
  stage: Stage,
  { weights, hiddenBias, visibleBias }: PretrainedBlobs,
): ReadonlyMap<string, readonly { readonly shape: readonly number[]; readonly data: Float32Array }[]> {
  const { layer, param, decoder } = stage;
  const [hidden, visible] = [hiddenBias.length, visibleBias.length];
  const matrix = (transpose: boolean, rows: number, columns: number, values: Float32Array) =>
    transpose
      ? { shape: [columns, rows], data: transposed(values, rows, columns) }
      : { shape: [rows, columns], data: values };
  const bias = (values: Float32Array) => ({ shape: [values.length], data: values });
  const found = new Map([
    [layer.name, [matrix(param.transpose, hidden, visible, weights), ...(param.bias_term ? [bias(hiddenBias)] : [])]],
  ]);
  if (decoder) {
    const { transpose, bias_term } = sub(decoder, "inner_product_param");
    const back = transposed(weights, hidden, visible);
    found.set(decoder.name, [matrix(transpose, visible, hidden, back), ...(bias_term ? [bias(visibleBias)] : [])]);
  }
  return found;
}
