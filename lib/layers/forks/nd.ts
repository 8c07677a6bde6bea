import { amend, has, sub } from "../../caffe/message.js";
import {
  type ConvolutionParameter,
  PoolingParameter_PoolMethod as Method,
  type PoolingParameter,
} from "../../caffe/messages.js";
import { Convolution } from "../convolution.js";
import { bottomText, type ComputeLayer, computeLayer, type Place, type Site } from "../layer.js";
import { isDilated, Pooling as Planes, rounding } from "../pooling.js";
import { OF_DEPTH, OF_PLANES, refuseOfOthers } from "./c3d.js";
import { type PooledAxis, averagePoolNd, maxPoolNd, pooledSize } from "../pool-nd.js";

const convolution = Convolution as ComputeLayer<"convolution_param">;
const pooling = Planes as ComputeLayer<"pooling_param">;

/** A shape's dims, one for each of the axes after the channels; the fallback for each where it is not given. Throws for others. */
function dimsOf(
  place: Place<ConvolutionParameter | PoolingParameter>,
  field: "kernel_shape" | "stride_shape" | "pad_shape",
  fallback: number | undefined,
): readonly number[] {
  const rank = place.bottoms[0]!.type.shape.length - 2;
  if (rank < 1) throw place.bottomError(0, `${bottomText(place, 0)} has no axes after the channels`);
  if (!has(place.param, field)) {
    if (fallback !== undefined) return Array<number>(rank).fill(fallback);
    throw place.error(`${field} is missing`, undefined, [`write ${field} { dim: N dim: N dim: N }`]);
  }
  const dims = sub(place.param as PoolingParameter, field).dim.map(Number);
  if (dims.length !== rank) throw place.error(`${field} has ${dims.length} dims for ${rank} axes`, field);
  const least = field === "pad_shape" ? 0 : 1;
  if (dims.some((dim) => dim < least)) throw place.error(`${field} has a dim of less than ${least}`, field);
  return dims;
}

/** NdConvolution (video-caffe): Caffe's Convolution with a dim for each axis in kernel_shape, stride_shape and pad_shape. */
export const NdConvolution = computeLayer({
  type: "NdConvolution",
  param: "convolution_param",
  bottoms: 1,
  tops: 1,
  family: "convolution",
  blobs: (place: Place<ConvolutionParameter>) => convolution.blobs!(plain(place)),
  lower: (site: Site<ConvolutionParameter>) => convolution.lower(plain(site)),
});

function plain<P extends Place<ConvolutionParameter>>(place: P): P {
  const given = {
    kernel_size: dimsOf(place, "kernel_shape", undefined),
    stride: dimsOf(place, "stride_shape", 1),
    pad: dimsOf(place, "pad_shape", 0),
  };
  for (const field of ["kernel_size", "stride", "pad"] as const)
    if (place.param[field].length > 0)
      throw place.error(`NdConvolution layers have ${field.replace("_size", "")}_shape in place of ${field}`, field);
  const param = amend<ConvolutionParameter>(place.param, {
    ...given,
    kernel_shape: null,
    stride_shape: null,
    pad_shape: null,
  });
  return { ...place, param };
}

/** Fields of other poolings' windows. */
const OF_OTHERS = [
  ...["kernel_size", "stride", "pad", "kernel_depth", "temporal_stride", "kernel_l", "stride_l", "pad_l"],
  ...[...OF_PLANES, ...OF_DEPTH, "avg_include_pad"],
] as readonly (keyof PoolingParameter)[];

/**
 * NdPooling (video-caffe): MAX or AVE over windows of all axes after the channels, with a dim for each in kernel_shape, stride_shape
 * and pad_shape, or over all entries (`global_pooling`). Sizes are rounded up, or as
 * round_mode or ceil_mode says; AVE divides by the kernel's size, pads included. A `dilation` is that of Pooling.
 */
export const NdPooling = computeLayer({
  type: "NdPooling",
  param: "pooling_param",
  bottoms: 1,
  tops: 1,
  family: "pooling",
  lower(site) {
    const { param } = site;
    if (isDilated(param)) return pooling.lower(site);
    refuseOfOthers(site, OF_OTHERS);
    if (param.pool === Method.STOCHASTIC)
      throw site.error("STOCHASTIC pooling of more than two axes is not supported", "pool");
    const axes = windowsOf(site);
    const x = site.bottoms[0]!;
    return { tops: [param.pool === Method.MAX ? maxPoolNd(x, axes) : averagePoolNd(x, axes, "window")] };
  },
});

function windowsOf(place: Place<PoolingParameter>): readonly PooledAxis[] {
  const sizes = place.bottoms[0]!.type.shape.slice(2);
  const kernels = place.param.global_pooling ? sizes : dimsOf(place, "kernel_shape", undefined);
  const [strides, pads] = [dimsOf(place, "stride_shape", 1), dimsOf(place, "pad_shape", 0)];
  return sizes.map((size, i) => {
    const axis = { size, kernel: kernels[i]!, stride: strides[i]!, pad: pads[i]! };
    const pooled = pooledSize(axis, rounding(place));
    if (pooled < 1 || axis.pad >= axis.kernel || (pooled - 1) * axis.stride - axis.pad >= size)
      throw place.error(`a window lies outside of the ${size} entries of axis ${i + 2}`, "kernel_shape");
    return { ...axis, pooled };
  });
}
