import { amend, has } from "../../caffe/message.js";
import {
  type ConvolutionParameter,
  PoolingParameter_PoolMethod as Method,
  type PoolingParameter,
} from "../../caffe/messages.js";
import { Convolution } from "../convolution.js";
import { Deconvolution } from "../deconvolution.js";
import { bottomText, type ComputeLayer, computeLayer, type Place, type Site } from "../layer.js";
import { type PooledAxis, averagePoolNd, maxPoolNd } from "../pool-nd.js";
import { rounding } from "../pooling.js";

const convolution = Convolution as ComputeLayer<"convolution_param">;
const deconvolution = Deconvolution as ComputeLayer<"convolution_param">;

/**
 * Convolution3D (C3D): Caffe's Convolution over length, height and width of x [n, c, l, h, w], with kernel_depth, temporal_stride and
 * temporal_pad for length. `filter_group` only says in how many steps the fork computes it; `group` is not read there.
 */
export const Convolution3D = computeLayer({
  type: "Convolution3D",
  param: "convolution_param",
  bottoms: 1,
  tops: 1,
  family: "convolution",
  blobs: (place: Place<ConvolutionParameter>) => convolution.blobs!(inThree(place)),
  lower: (site: Site<ConvolutionParameter>) => convolution.lower(inThree(site)),
});

/**
 * Deconvolution3D (C3D): Caffe's Deconvolution over length, height and width of x [n, c, l, h, w], of weights
 * [c, num_output, depth, size, size]; `group` is not read there.
 */
export const Deconvolution3D = computeLayer({
  type: "Deconvolution3D",
  param: "convolution_param",
  bottoms: 1,
  tops: 1,
  family: "convolution",
  blobs: (place: Place<ConvolutionParameter>) => deconvolution.blobs!(inThree(place)),
  lower: (site: Site<ConvolutionParameter>) => deconvolution.lower(inThree(site)),
});

/** The place of a Convolution with the same kernel. */
function inThree<P extends Place<ConvolutionParameter>>(place: P): P {
  const { param, error } = place;
  checkAxes(place);
  const field = OF_LENGTH.find((each) => has(param, each));
  if (field) throw error(`${field} goes with kernel_l and one kernel_size, and not with kernel_depth`, field);
  const [size] = param.kernel_size;
  if (size === undefined || !has(param, "kernel_depth"))
    throw error("kernel_size or kernel_depth is missing", undefined, ["write kernel_size: N kernel_depth: N"]);
  const all = (temporal: number, spatial = 0) => [temporal, spatial, spatial];
  const whole = {
    kernel_size: all(param.kernel_depth, size),
    stride: all(param.temporal_stride, param.stride[0] ?? 1),
    pad: all(param.temporal_pad, param.pad[0]),
    group: 1,
    kernel_depth: null,
    temporal_stride: null,
    temporal_pad: null,
  };
  return { ...place, param: amend<ConvolutionParameter>(param, whole) };
}

function checkAxes(place: Place<unknown>): void {
  if (place.bottoms[0]!.type.shape.length === 5) return;
  throw place.bottomError(0, `${bottomText(place, 0)} does not have 5 axes: items, channels, length, height, width`);
}

/** Fields of a P3D's window, which C3D's does not have. */
const OF_LENGTH = ["kernel_l", "stride_l", "pad_l"] as const;

/** Throws for fields of `pooling_param` that other types of pooling have: they would change nothing. */
export function refuseOfOthers(place: Place<PoolingParameter>, fields: readonly (keyof PoolingParameter)[]): void {
  const field = fields.find((each) => has(place.param, each));
  if (field) throw place.error(`${place.layer.type} layers have no ${String(field)}`, field as "pool");
}

/** Fields of windows of planes. */
export const OF_PLANES = ["kernel_h", "kernel_w", "stride_h", "stride_w", "pad_h", "pad_w"] as const;

/** Fields of video-caffe's windows. */
const OF_SHAPES = ["kernel_shape", "stride_shape", "pad_shape"] as const;

/** Fields of poolings of Caffe 3D and of OpenCL's Caffe. */
export const OF_DEPTH = [
  "dilation",
  "kernel_d",
  "stride_d",
  "pad_d",
  "kstride",
  "kstride_h",
  "kstride_w",
  "kstride_d",
] as const;

/**
 * Pooling3D (C3D): MAX or AVE over windows of length, height and width of x [n, c, l, h, w], kernel_depth and temporal_stride being those
 * of length. Sizes are rounded up, or as round_mode or ceil_mode says; AVE, which alone may have a `pad` of height and width, divides by what a window has of the padded
 * bottom. P3D's windows are kernel_l, stride_l and pad_l long, may be of two sizes and padded, and `global_pooling` is all of x.
 * Source: facebookarchive/C3D, pooling3d_layer.cpp; ZhaofanQiu/caffe, pooling3d_layer.cpp.
 */
export const Pooling3D = computeLayer({
  type: "Pooling3D",
  param: "pooling_param",
  bottoms: 1,
  tops: 1,
  family: "pooling",
  lower(site) {
    const { param } = site;
    const axes = windowsOf(site);
    const x = site.bottoms[0]!;
    return { tops: [param.pool === Method.MAX ? maxPoolNd(x, axes) : averagePoolNd(x, axes, "padded")] };
  },
});

function windowsOf(place: Place<PoolingParameter>): readonly PooledAxis[] {
  const { param, error } = place;
  checkAxes(place);
  refuseOfOthers(place, [...OF_SHAPES, ...OF_DEPTH]);
  if (param.pool === Method.STOCHASTIC) throw error("STOCHASTIC pooling of three axes is not supported", "pool");
  const [, , ...sizes] = place.bottoms[0]!.type.shape as [number, number, ...number[]];
  if (param.global_pooling || OF_LENGTH.some((field) => has(param, field))) return windowsOfLength(place, sizes);
  refuseOfOthers(place, [...OF_PLANES, "avg_include_pad"]);
  if (param.pool === Method.MAX && param.pad > 0) throw error("padding is for AVE pooling only", "pad");
  if (param.kernel_size === 0 || param.kernel_depth === 0)
    throw error("kernel_size or kernel_depth is missing", undefined, ["write kernel_size: N kernel_depth: N"]);
  const round = rounding(place);
  return sizes.map((size, i) => {
    const [kernel, stride, pad] =
      i === 0 ? [param.kernel_depth, param.temporal_stride, 0] : [param.kernel_size, param.stride, param.pad];
    if (stride === 0) throw error("strides must be greater than 0", i === 0 ? "temporal_stride" : "stride");
    const pooled = round((size + 2 * pad - kernel) / stride) + 1;
    if (pooled < 1 || (pooled - 1) * stride - pad >= size || pad >= kernel)
      throw error(
        `a window lies outside of the ${size} entries of axis ${i + 2}`,
        i === 0 ? "kernel_depth" : "kernel_size",
      );
    return { size, kernel, stride, pad, pooled };
  });
}

/** P3D's windows, the last of which begin within the padded bottom. */
function windowsOfLength(place: Place<PoolingParameter>, sizes: readonly number[]): readonly PooledAxis[] {
  const { param, error } = place;
  const other = (["kernel_depth", "temporal_stride", "avg_include_pad"] as const).find((field) => has(param, field));
  if (other) throw error(`${other} does not go with a window of kernel_l`, other);
  const sides = (
    whole: "kernel_size" | "stride" | "pad",
    h: "kernel_h" | "stride_h" | "pad_h",
    w: typeof h | "kernel_w" | "stride_w" | "pad_w",
  ) => (has(param, h) || has(param, w) ? [param[h], param[w]] : [param[whole], param[whole]]);
  const kernels = param.global_pooling ? sizes : [param.kernel_l, ...sides("kernel_size", "kernel_h", "kernel_w")];
  const strides = [param.stride_l, ...sides("stride", "stride_h", "stride_w")];
  const pads = [param.pad_l, ...sides("pad", "pad_h", "pad_w")];
  if (kernels.some((kernel) => kernel === 0))
    throw error("kernel_size or kernel_l is missing", undefined, ["write kernel_size: N kernel_l: N"]);
  if (strides.some((stride) => stride === 0)) throw error("strides must be greater than 0", "stride");
  const isPadded = pads.some((pad) => pad > 0);
  if (param.global_pooling && (isPadded || strides.some((stride) => stride !== 1)))
    throw error("global_pooling has no pad, and a stride of 1", "global_pooling");
  const round = rounding(place);
  return sizes.map((size, i) => {
    const axis = { size, kernel: kernels[i]!, stride: strides[i]!, pad: pads[i]! };
    const most = round((size + 2 * axis.pad - axis.kernel) / axis.stride) + 1;
    const isOutside = (pooled: number) => (pooled - 1) * axis.stride >= size + axis.pad;
    const pooled = isPadded && isOutside(most) ? most - 1 : most;
    if (pooled < 1 || isOutside(pooled) || axis.pad >= axis.kernel)
      throw error(
        `a window lies outside of the ${size} entries of axis ${i + 2}`,
        i === 0 ? "kernel_l" : "kernel_size",
      );
    return { ...axis, pooled };
  });
}
