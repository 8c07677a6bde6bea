import { dropUnknown, unknownFields } from "../text/notes.js";
import { amend, has } from "./message.js";
import {
  type ConvolutionParameter,
  type LayerParameter,
  PoolingParameter_PoolMethod as PoolMethod,
  type PoolingParameter,
} from "./messages.js";

const WINDOW = ["kernel_size", "stride", "pad"] as const;

/** A Pooling whose kernel has several sizes: those of height and width, or for more axes an NdPooling. */
export function withWindowLists(layer: LayerParameter): LayerParameter {
  const { type, pooling_param: param } = layer;
  if (type !== "Pooling" || !param) return layer;
  const lists = WINDOW.map((field) => valuesOf(param, field));
  const rank = Math.max(param.dilation.length, ...lists.map((values) => values.length));
  if (rank < 2) return layer;
  const gone = Object.fromEntries(WINDOW.map((field) => [field, null]));
  const sized = Object.fromEntries(WINDOW.flatMap((field, i) => sizes(field, lists[i]!, rank)));
  const pooling = amend<PoolingParameter>(param, { ...gone, ...sized });
  for (const field of WINDOW) dropUnknown(pooling, field);
  return amend(layer, { type: rank > 2 ? "NdPooling" : type, pooling_param: pooling });
}

/** Values of a field: the first, and those that have no place in the schema. */
function valuesOf(param: PoolingParameter, field: (typeof WINDOW)[number]): readonly number[] {
  const further = unknownFields(param).filter(({ name }) => name === field);
  const numbers = further.map((each) => ("text" in each ? Number(each.text) : Number.NaN));
  return [...(has(param, field) ? [param[field]] : []), ...numbers];
}

/** The fields that say a window's sizes for each axis; one size is that of all. */
function sizes(
  field: (typeof WINDOW)[number],
  values: readonly number[],
  rank: number,
): readonly (readonly [string, unknown])[] {
  if (values.length === 0) return [];
  const dim = Array.from({ length: rank }, (_, i) => values[values.length === 1 ? 0 : i] ?? Number.NaN);
  const name = field === "kernel_size" ? "kernel" : field;
  return rank > 2
    ? [[`${name}_shape`, { dim }]]
    : [
        [`${name}_h`, dim[0]],
        [`${name}_w`, dim[1]],
      ];
}

const OF_LENGTH: Readonly<Record<string, string>> = { Convolution3D: "Convolution", Deconvolution3D: "Deconvolution" };

/**
 * A Convolution3D or Deconvolution3D of P3D, whose kernel has kernel_l entries along length: Caffe's of three axes, with its groups.
 * Source: ZhaofanQiu/caffe, base_conv3D_layer.cpp.
 */
export function withLengths(layer: LayerParameter): LayerParameter {
  const { type, convolution_param: param } = layer;
  const caffeType = OF_LENGTH[type];
  if (!caffeType || !param || !has(param, "kernel_l") || param.kernel_size.length !== 1) return layer;
  const all = (length: number, [side]: readonly number[], fallback: number) => [
    length,
    side ?? fallback,
    side ?? fallback,
  ];
  const whole = {
    kernel_size: all(param.kernel_l, param.kernel_size, 0),
    stride: all(param.stride_l, param.stride, 1),
    pad: all(param.pad_l, param.pad, 0),
    kernel_l: null,
    stride_l: null,
    pad_l: null,
  };
  return amend(layer, { type: caffeType, convolution_param: amend<ConvolutionParameter>(param, whole) });
}

const KSTRIDES = ["kstride", "kstride_h", "kstride_w", "kstride_d"] as const;
const DEPTHS = ["kernel_d", "stride_d", "pad_d"] as const;
const SIDES = ["h", "w"] as const;

/**
 * Windows of Caffe 3D, which have a third size after height and width, as Caffe's of three axes; and kstride, of the strided kernels
 * of OpenCL's Caffe, by its later name, dilation. A pooling of three axes is an NdPooling where it takes maxima; the others are
 * refused where they are.
 */
export function withDepths(layer: LayerParameter): LayerParameter {
  const { type, convolution_param, pooling_param } = layer;
  if (type === "Convolution" || type === "Deconvolution")
    return convolution_param ? withDepth(layer, "convolution_param", convolution_param) : layer;
  if (type === "Pooling") return pooling_param ? withDepth(layer, "pooling_param", pooling_param) : layer;
  return layer;
}

type Windowed = ConvolutionParameter | PoolingParameter;

function withDepth(
  layer: LayerParameter,
  name: "convolution_param" | "pooling_param",
  given: Windowed,
): LayerParameter {
  const param = withDilationOf(given);
  if (!DEPTHS.some((field) => has(param, field))) return param === given ? layer : amend(layer, { [name]: param });
  const isPooling = name === "pooling_param";
  if (isPooling && (param as PoolingParameter).pool !== PoolMethod.MAX) return layer;
  const sized = WINDOW.flatMap((field) => {
    const short = field === "kernel_size" ? "kernel" : field;
    const depth = `${short}_d` as (typeof DEPTHS)[number];
    const sides = SIDES.map((side) => `${short}_${side}` as "kernel_h" | "stride_h" | "pad_h");
    const gone = [...sides, depth].map((each) => [each, null] as const);
    if (!has(param, depth)) return [];
    const dim = [...sides.map((side) => param[side]), param[depth]];
    return [...gone, isPooling ? ([`${short}_shape`, { dim }] as const) : ([field, dim] as const)];
  });
  return amend(layer, {
    type: isPooling ? "NdPooling" : layer.type,
    [name]: amend<Windowed>(param, Object.fromEntries(sized)),
  });
}

function withDilationOf(param: Windowed): Windowed {
  if (!KSTRIDES.some((field) => has(param, field))) return param;
  const { kstride, kstride_h: h, kstride_w: w, kstride_d: d } = param;
  const dilation = has(param, "kstride") ? [kstride] : has(param, "kstride_d") ? [h, w, d] : [h, w];
  return amend<Windowed>(param, { ...Object.fromEntries(KSTRIDES.map((field) => [field, null])), dilation });
}
