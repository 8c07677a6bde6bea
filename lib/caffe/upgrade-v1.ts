import { NetrunError } from "../error.js";
import { carryNotes, dropUnknown, noteSpan, spanOf, unknownFields } from "../text/notes.js";
import { amend, create, has } from "./message.js";
import {
  type LayerParameter,
  type NetParameter,
  type ParamSpec,
  type V1LayerParameter,
  V1LayerParameter_LayerType as V1Type,
} from "./messages.js";
import { FORK_V1_TYPES } from "./upgrade-fork-types.js";

/** The type names of today by V1's names of enum values. */
const TYPES = {
  NONE: "",
  ABSVAL: "AbsVal",
  ACCURACY: "Accuracy",
  ARGMAX: "ArgMax",
  BNLL: "BNLL",
  CONCAT: "Concat",
  CONTRASTIVE_LOSS: "ContrastiveLoss",
  CONVOLUTION: "Convolution",
  DATA: "Data",
  DECONVOLUTION: "Deconvolution",
  DROPOUT: "Dropout",
  DUMMY_DATA: "DummyData",
  EUCLIDEAN_LOSS: "EuclideanLoss",
  ELTWISE: "Eltwise",
  EXP: "Exp",
  FLATTEN: "Flatten",
  HDF5_DATA: "HDF5Data",
  HDF5_OUTPUT: "HDF5Output",
  HINGE_LOSS: "HingeLoss",
  IM2COL: "Im2col",
  IMAGE_DATA: "ImageData",
  INFOGAIN_LOSS: "InfogainLoss",
  INNER_PRODUCT: "InnerProduct",
  LRN: "LRN",
  MEMORY_DATA: "MemoryData",
  MULTINOMIAL_LOGISTIC_LOSS: "MultinomialLogisticLoss",
  MVN: "MVN",
  POOLING: "Pooling",
  POWER: "Power",
  RELU: "ReLU",
  SIGMOID: "Sigmoid",
  SIGMOID_CROSS_ENTROPY_LOSS: "SigmoidCrossEntropyLoss",
  SILENCE: "Silence",
  SOFTMAX: "Softmax",
  SOFTMAX_LOSS: "SoftmaxWithLoss",
  SPLIT: "Split",
  SLICE: "Slice",
  TANH: "TanH",
  WINDOW_DATA: "WindowData",
  THRESHOLD: "Threshold",
} as const satisfies Record<keyof typeof V1Type, string>;

const typeNames = new Map<V1Type, string>(
  Object.entries(V1Type).map(([name, number]) => [number, TYPES[name as keyof typeof V1Type]]),
);

/** Today's name of a V1 layer type: SOFTMAX_LOSS is "SoftmaxWithLoss". */
export function typeOfV1(type: V1Type): string {
  return typeNames.get(type)!;
}

/** V1's parallel lists that are one list of ParamSpec today: field of V1 to field of ParamSpec. */
const PARAM_LISTS = {
  param: "name",
  blob_share_mode: "share_mode",
  blobs_lr: "lr_mult",
  weight_decay: "decay_mult",
} as const satisfies Partial<Record<keyof V1LayerParameter, keyof ParamSpec>>;

/** V1 to today's layers. Caffe leaves out layers of today's kind beside V1's. */
export function upgradeV1(net: NetParameter, warn: (warning: NetrunError) => void): NetParameter {
  if (has(net, "layer"))
    warn(
      new NetrunError(
        "a net has either `layers` (V1) or `layer`: as in Caffe, this and the other `layer` are ignored",
        {
          span: spanOf(net.layer[0]!),
        },
      ),
    );
  return amend(net, { layers: null, layer: net.layers.map(upgradeLayer) });
}

function upgradeLayer(v1: V1LayerParameter): LayerParameter {
  const { type: _type, layer: _v0, param: _p, blob_share_mode: _m, blobs_lr: _l, weight_decay: _w, ...same } = v1;
  const type = has(v1, "type") ? { type: typeOfV1(v1.type) } : forkType(v1);
  const layer = create("LayerParameter", { ...same, ...type, param: paramSpecs(v1) });
  carryNotes(v1, layer, { layer: null, ...Object.fromEntries(Object.keys(PARAM_LISTS).map((list) => [list, null])) });
  if (forkType(v1).type !== undefined) dropUnknown(layer, "type");
  return layer;
}

/** The type of a V1 layer of a fork: the words of its name, as today's types are written. */
function forkType(v1: V1LayerParameter): { readonly type?: string } {
  const field = unknownFields(v1).find(({ name }) => name === "type");
  return field && "text" in field ? { type: typeOfWords(field.text) } : {};
}

/** Today's name of a fork's V1 type by its words: UNPOOLING is "Unpooling". */
export function typeOfWords(v1: string): string {
  const words = v1.toLowerCase().split("_");
  return FORK_V1_TYPES[v1] ?? words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("");
}

function paramSpecs(v1: V1LayerParameter): ParamSpec[] {
  const lists = Object.entries(PARAM_LISTS) as [keyof typeof PARAM_LISTS, keyof ParamSpec][];
  const count = Math.max(...lists.map(([list]) => v1[list].length));
  return Array.from({ length: count }, (_, i) => {
    const set = lists.filter(([list]) => i < v1[list].length);
    const spec = create("ParamSpec", Object.fromEntries(set.map(([list, field]) => [field, v1[list][i]])));
    noteSpan(spec, spanOf(v1, set[0]![0], i));
    return spec;
  });
}
