import { sub } from "../caffe/message.js";
import { type LayerParameter, LRNParameter_NormRegion as NormRegion } from "../caffe/messages.js";

/** How much of the data one entry of a blob sees, and how far apart what neighbours see is; height and width, in pixels. */
export interface ReceptiveField {
  readonly size: readonly [height: number, width: number];
  readonly stride: readonly [height: number, width: number];
}

/** Layers whose top has at every place what depends on the bottoms at that place alone. */
const POINTWISE: readonly string[] = [
  "AbsVal",
  "BatchNorm",
  "Bias",
  "BNLL",
  "Clip",
  "Concat",
  "Dropout",
  "Eltwise",
  "ELU",
  "Exp",
  "Log",
  "Power",
  "PReLU",
  "ReLU",
  "Scale",
  "Sigmoid",
  "Slice",
  "Softmax",
  "Split",
  "Swish",
  "TanH",
  "Threshold",
];

/** The field of a data blob: each pixel sees itself. */
export const PIXEL: ReceptiveField = { size: [1, 1], stride: [1, 1] };

/** A layer's field from those of its bottoms; undefined where its entries see the whole image or places are mixed. */
export function receptiveField(
  layer: LayerParameter,
  bottoms: readonly (ReceptiveField | undefined)[],
): ReceptiveField | undefined {
  const [first, ...rest] = bottoms;
  if (!first) return undefined;
  switch (layer.type) {
    case "Convolution":
      return widen(first, convWindow(layer));
    case "Pooling":
      return sub(layer, "pooling_param").global_pooling ? undefined : widen(first, poolWindow(layer));
    case "LRN": {
      const { norm_region, local_size } = sub(layer, "lrn_param");
      const size = norm_region === NormRegion.WITHIN_CHANNEL ? local_size : 1;
      return widen(first, { kernel: [size, size], stride: [1, 1] });
    }
    default:
      return POINTWISE.includes(layer.type) ? merge(first, rest) : undefined;
  }
}

interface Window {
  /** Extent, dilation included. */
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
}

function widen({ size, stride }: ReceptiveField, window: Window): ReceptiveField {
  const each = (axis: 0 | 1) => size[axis] + (window.kernel[axis] - 1) * stride[axis];
  return {
    size: [each(0), each(1)],
    stride: [stride[0] * window.stride[0], stride[1] * window.stride[1]],
  };
}

function merge(first: ReceptiveField, rest: readonly (ReceptiveField | undefined)[]): ReceptiveField | undefined {
  let { size } = first;
  for (const field of rest) {
    if (!field || field.stride.some((step, axis) => step !== first.stride[axis])) return undefined;
    size = [Math.max(size[0], field.size[0]), Math.max(size[1], field.size[1])];
  }
  return { size, stride: first.stride };
}

function convWindow(layer: LayerParameter): Window {
  const { kernel_size, kernel_h, kernel_w, stride, stride_h, stride_w, dilation } = sub(layer, "convolution_param");
  const pair = (list: readonly number[], h: number, w: number, fallback: number): readonly [number, number] =>
    h > 0 || w > 0 ? [h, w] : [list[0] ?? fallback, list[1] ?? list[0] ?? fallback];
  const [kh, kw] = pair(kernel_size, kernel_h, kernel_w, 1);
  const [dh, dw] = pair(dilation, 0, 0, 1);
  return { kernel: [dh * (kh - 1) + 1, dw * (kw - 1) + 1], stride: pair(stride, stride_h, stride_w, 1) };
}

function poolWindow(layer: LayerParameter): Window {
  const { kernel_size, kernel_h, kernel_w, stride, stride_h, stride_w } = sub(layer, "pooling_param");
  return {
    kernel: [kernel_h || kernel_size, kernel_w || kernel_size],
    stride: [stride_h || stride, stride_w || stride],
  };
}
