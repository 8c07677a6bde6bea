import { create } from "./message.js";
import {
  type Init,
  LAYER_PARAMS,
  type LayerParameter,
  type NetParameter,
  Phase,
  PoolingParameter_PoolMethod as PoolMethod,
} from "./messages.js";

/** The other layer types of Caffe: those that share a type's parameters, and (null) those that have none. */
const MORE_TYPES = {
  AbsVal: null,
  BatchReindex: null,
  BNLL: null,
  Deconvolution: "convolution_param",
  EuclideanLoss: "loss_param",
  Filter: null,
  Im2col: "convolution_param",
  LSTM: "recurrent_param",
  MultinomialLogisticLoss: "loss_param",
  RNN: "recurrent_param",
  SigmoidCrossEntropyLoss: "loss_param",
  Silence: null,
  SoftmaxWithLoss: "softmax_param",
  Split: null,
} as const satisfies Record<string, keyof LayerParameter | null>;

/** Caffe's layer types and the field of LayerParameter that holds their parameters. */
export const LAYER_TYPES = { ...LAYER_PARAMS, ...MORE_TYPES } as const;

/** The name of a layer type of Caffe. */
export type LayerTypeName = keyof typeof LAYER_TYPES;

type ParamOf<T extends LayerTypeName> = (typeof LAYER_TYPES)[T] extends infer F extends keyof LayerParameter
  ? Init<NonNullable<LayerParameter[F]>>
  : Record<string, never>;

/** Makes a layer of one type. Its top is named like the layer unless `rest` says otherwise. */
export type LayerBuilder<T extends LayerTypeName> = (
  name: string,
  bottom?: readonly string[],
  param?: ParamOf<T>,
  rest?: Init<Omit<LayerParameter, "name" | "type" | "bottom">>,
) => LayerParameter;

/**
 * A builder for every layer type of Caffe, typed by the schema:
 * `layer.Convolution("conv1", ["data"], { num_output: 20, kernel_size: [5] })`,
 * `layer.ReLU("relu1", ["conv1"], {}, { top: ["conv1"] })`.
 */
export const layer = Object.fromEntries(
  Object.entries(LAYER_TYPES).map(([type, field]) => [type, builderOf(type, field)]),
) as { readonly [T in LayerTypeName]: LayerBuilder<T> };

function builderOf(type: string, field: keyof LayerParameter | null) {
  return (
    name: string,
    bottom: readonly string[] = [],
    param?: object,
    rest: Init<LayerParameter> = {},
  ): LayerParameter =>
    create("LayerParameter", { name, type, bottom, top: [name], ...(field && param && { [field]: param }), ...rest });
}

// SparkNet's builders, with the names of their arguments. Source: SparkNet's Layers.scala.

/** Height and width. */
type Pair = readonly [height: number, width: number];

/** Phase of a data layer. */
export const Include = { Train: Phase.TRAIN, Test: Phase.TEST } as const;
/** A phase by SparkNet's name. */
export type Include = (typeof Include)[keyof typeof Include];

/** Method of a pooling layer. */
export const Pooling = { Max: PoolMethod.MAX, Ave: PoolMethod.AVE } as const;
/** A pooling method by SparkNet's name. */
export type Pooling = (typeof Pooling)[keyof typeof Pooling];

/** A layer whose blob the program feeds, of a shape that starts with the batch size; in both phases unless told otherwise. */
export function RDDLayer(name: string, options: { shape: readonly number[]; include?: Include }): LayerParameter {
  const { shape, include } = options;
  const rules = include === undefined ? {} : { include: [{ phase: include }] };
  return layer.Input(name, [], { shape: [{ dim: shape }] }, rules);
}

/** A convolution with a kernel of height and width. */
export function ConvolutionLayer(
  name: string,
  bottom: readonly string[],
  { kernel, numOutput }: { kernel: Pair; numOutput: number },
): LayerParameter {
  return layer.Convolution(name, bottom, { kernel_h: kernel[0], kernel_w: kernel[1], num_output: numOutput });
}

/** A pooling layer with a kernel and a stride of height and width. */
export function PoolingLayer(
  name: string,
  bottom: readonly string[],
  { pooling, kernel, stride }: { pooling: Pooling; kernel: Pair; stride: Pair },
): LayerParameter {
  return layer.Pooling(name, bottom, {
    kernel_h: kernel[0],
    kernel_w: kernel[1],
    stride_h: stride[0],
    stride_w: stride[1],
    pool: pooling,
  });
}

/** A fully connected layer. */
export function InnerProductLayer(
  name: string,
  bottom: readonly string[],
  { numOutput }: { numOutput: number },
): LayerParameter {
  return layer.InnerProduct(name, bottom, { num_output: numOutput });
}

/** A rectifier with a top of its own. */
export function ReLULayer(name: string, bottom: readonly string[]): LayerParameter {
  return layer.ReLU(name, bottom, {});
}

/** Softmax and its cross entropy with the labels; bottoms are the scores and the labels. */
export function SoftmaxWithLoss(name: string, bottom: readonly string[]): LayerParameter {
  return layer.SoftmaxWithLoss(name, bottom, {}, { loss_param: {} });
}

/** A net of layers. */
export function NetParam(name: string, ...layers: readonly LayerParameter[]): NetParameter {
  return create("NetParameter", { name, layer: layers });
}
