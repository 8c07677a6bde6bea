import { NetrunError, nearest } from "../error.js";
import { carryNotes, noteUnknown, spanOf, type UnknownField } from "../text/notes.js";
import { amend, create, has } from "./message.js";
import type { V1LayerParameter } from "./messages.js";
import { type NetParameter, V1LayerParameter_LayerType as Type, type V0LayerParameter } from "./messages.js";

/** V0's names of layer types, and that of the first Caffe before it. Padding layers are gone by the time this is asked. */
const TYPES = {
  accuracy: Type.ACCURACY,
  bnll: Type.BNLL,
  concat: Type.CONCAT,
  conv: Type.CONVOLUTION,
  data: Type.DATA,
  dropout: Type.DROPOUT,
  euclidean_loss: Type.EUCLIDEAN_LOSS,
  flatten: Type.FLATTEN,
  hdf5_data: Type.HDF5_DATA,
  hdf5_output: Type.HDF5_OUTPUT,
  im2col: Type.IM2COL,
  images: Type.IMAGE_DATA,
  infogain_loss: Type.INFOGAIN_LOSS,
  innerproduct: Type.INNER_PRODUCT,
  lrn: Type.LRN,
  multinomial_logistic_loss: Type.MULTINOMIAL_LOGISTIC_LOSS,
  pool: Type.POOLING,
  relu: Type.RELU,
  sigmoid: Type.SIGMOID,
  softmax: Type.SOFTMAX,
  softmax_loss: Type.SOFTMAX_LOSS,
  softmaxloss: Type.SOFTMAX_LOSS,
  split: Type.SPLIT,
  tanh: Type.TANH,
  window_data: Type.WINDOW_DATA,
} as const satisfies Record<string, Type>;

type V0Type = keyof typeof TYPES;

/** The fields that keep their name and place whatever the type. */
const KEPT = ["name", "blobs", "blobs_lr", "weight_decay"] as const;

type Handled = "type" | (typeof KEPT)[number];
type Target = `${string}_param.${string}`;

const any = (target: Target) => ({ "*": target }) as const;
const windowData = (field: string) => ({ window_data: `window_data_param.${field}` }) as const;

/** Destinations of the other fields of a V0 layer, by layer type. A type that is not listed never used the field. */
const FIELDS: Readonly<Record<Exclude<keyof V0LayerParameter, Handled>, Partial<Record<V0Type | "*", Target>>>> = {
  num_output: { conv: "convolution_param.num_output", innerproduct: "inner_product_param.num_output" },
  biasterm: { conv: "convolution_param.bias_term", innerproduct: "inner_product_param.bias_term" },
  weight_filler: { conv: "convolution_param.weight_filler", innerproduct: "inner_product_param.weight_filler" },
  bias_filler: { conv: "convolution_param.bias_filler", innerproduct: "inner_product_param.bias_filler" },
  pad: { conv: "convolution_param.pad", pool: "pooling_param.pad" },
  kernelsize: { conv: "convolution_param.kernel_size", pool: "pooling_param.kernel_size" },
  group: { conv: "convolution_param.group" },
  stride: { conv: "convolution_param.stride", pool: "pooling_param.stride" },
  pool: { pool: "pooling_param.pool" },
  dropout_ratio: { dropout: "dropout_param.dropout_ratio" },
  local_size: { lrn: "lrn_param.local_size" },
  alpha: { lrn: "lrn_param.alpha" },
  beta: { lrn: "lrn_param.beta" },
  k: { lrn: "lrn_param.k" },
  source: {
    data: "data_param.source",
    hdf5_data: "hdf5_data_param.source",
    images: "image_data_param.source",
    window_data: "window_data_param.source",
    infogain_loss: "infogain_loss_param.source",
  },
  scale: any("transform_param.scale"),
  meanfile: any("transform_param.mean_file"),
  batchsize: {
    data: "data_param.batch_size",
    hdf5_data: "hdf5_data_param.batch_size",
    images: "image_data_param.batch_size",
    window_data: "window_data_param.batch_size",
  },
  cropsize: any("transform_param.crop_size"),
  mirror: any("transform_param.mirror"),
  rand_skip: { data: "data_param.rand_skip", images: "image_data_param.rand_skip" },
  det_fg_threshold: windowData("fg_threshold"),
  det_bg_threshold: windowData("bg_threshold"),
  det_fg_fraction: windowData("fg_fraction"),
  det_context_pad: windowData("context_pad"),
  det_crop_mode: windowData("crop_mode"),
  new_num: {},
  new_channels: {},
  new_height: { images: "image_data_param.new_height" },
  new_width: { images: "image_data_param.new_width" },
  shuffle_images: { images: "image_data_param.shuffle" },
  concat_dim: { concat: "concat_param.concat_dim" },
  hdf5_output_param: { hdf5_output: "hdf5_output_param.*" },
};

type Warn = (warning: NetrunError) => void;

/** V0 to V1: padding layers become the `pad` of what reads them, and flat layers get a message for their type's parameters. */
export function upgradeV0(net: NetParameter, warn: Warn): NetParameter {
  const layers = foldPadding(net).map((layer) => (layer.layer ? upgradeLayer(layer, layer.layer, warn) : layer));
  return amend(net, { layers });
}

/** Removes padding layers; their pad goes to the convolution or pooling that has them as its only bottom. */
function foldPadding(net: NetParameter): V1LayerParameter[] {
  const producers = new Map<string, V1LayerParameter | undefined>(net.input.map((name) => [name, undefined]));
  const layers: V1LayerParameter[] = [];
  for (const layer of net.layers) {
    const padding = layer.bottom.map((bottom) => producers.get(bottom)).find((from) => from?.layer?.type === "padding");
    for (const top of layer.top) producers.set(top, layer);
    if (layer.layer?.type === "padding") continue;
    layers.push(padding ? withPadding(layer, padding) : layer);
  }
  return layers;
}

function withPadding(layer: V1LayerParameter, padding: V1LayerParameter): V1LayerParameter {
  const type = layer.layer?.type;
  const isSimple = layer.bottom.length === 1 && padding.bottom.length === 1 && padding.top.length === 1;
  if (!layer.layer || !isSimple || (type !== "conv" && type !== "pool"))
    throw new NetrunError(`padding layer "${padding.layer?.name}" is read by a layer of type "${type}"`, {
      span: spanOf(layer),
      notes: ["only a conv or pool layer with one bottom can take over its pad"],
    });
  return amend(layer, { bottom: padding.bottom, layer: amend(layer.layer, { pad: padding.layer!.pad }) });
}

function upgradeLayer(outer: V1LayerParameter, v0: V0LayerParameter, warn: Warn): V1LayerParameter {
  const known = !has(v0, "type") || Object.hasOwn(TYPES, v0.type);
  const params = new Map<string, Record<string, unknown>>();
  const renamed: Record<string, string> = {};
  for (const [field, targets] of Object.entries(FIELDS) as [
    keyof V0LayerParameter & string,
    (typeof FIELDS)["pad"],
  ][]) {
    if (!has(v0, field)) continue;
    const target = targets[v0.type as V0Type] ?? targets["*"];
    if (!target) {
      if (known) warn(meaningless(v0, field));
      continue;
    }
    const [param, name] = target.split(".") as [string, string];
    renamed[field] = name;
    params.set(
      param,
      name === "*" ? (v0[field] as object as Record<string, unknown>) : { ...params.get(param), [name]: v0[field] },
    );
  }
  const kept = Object.fromEntries(KEPT.filter((field) => has(v0, field)).map((field) => [field, v0[field]]));
  const type = known && has(v0, "type") ? { type: TYPES[v0.type as V0Type] } : {};
  const lists = Object.fromEntries(Array.from(params, ([param, fields]) => [param, listsWhereRepeated(param, fields)]));
  const layer = create("V1LayerParameter", { bottom: outer.bottom, top: outer.top, ...kept, ...type, ...lists });
  carryNotes(outer, layer, { layer: null });
  carryNotes(v0, layer);
  if (!known) {
    noteUnknown(layer, { name: "type", text: v0.type });
    noteUnknown(layer, { name: `${v0.type}_param`, fields: ownFields(v0) });
    warn(ofFork(v0));
  }
  for (const param of params.keys()) carryNotes(v0, layer[param as "data_param"] as object, renamed);
  return layer;
}

/** V0 had one kernel size, pad and stride for both dims; today's convolution has a list, pooling still one. */
function listsWhereRepeated(param: string, fields: Record<string, unknown>): Record<string, unknown> {
  if (param !== "convolution_param") return fields;
  const entries = Object.entries(fields).map(([name, value]) => [
    name,
    ["pad", "kernel_size", "stride"].includes(name) ? [value] : value,
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

/** The flat layer's numbers and texts, as fields of a message of their own. */
function ownFields(v0: V0LayerParameter): readonly UnknownField[] {
  const fields = (Object.keys(FIELDS) as (keyof typeof FIELDS)[]).filter((name) => has(v0, name));
  return fields.filter((name) => typeof v0[name] !== "object").map((name) => ({ name, text: String(v0[name]) }));
}

/** Warning for a V0 layer type that Caffe never had: the net loads, and the layer is refused where it runs, or has a plugin. */
function ofFork(v0: V0LayerParameter): NetrunError {
  const near = nearest(v0.type, Object.keys(TYPES));
  return new NetrunError(`layer "${v0.name}": there is no V0 layer type "${v0.type}" in Caffe`, {
    span: spanOf(v0, "type"),
    notes: [
      ...(near ? [`did you mean "${near}"?`] : []),
      "it is read by its words, locally_connected as LocallyConnected with locally_connected_param; where the net runs it is refused",
    ],
  });
}

function meaningless(v0: V0LayerParameter, field: string): NetrunError {
  return new NetrunError(
    `layer "${v0.name}": ${field} has no meaning for a V0 layer of type "${v0.type}" and is ignored`,
    {
      span: spanOf(v0, field),
    },
  );
}
