import { has, sub } from "../caffe/message.js";
import {
  PoolingParameter_PoolMethod as Method,
  type PoolingParameter,
  PoolingParameter_RoundMode as RoundMode,
} from "../caffe/messages.js";
import { apply, type Value } from "../graph/index.js";
import { pad, stopGradient } from "../ops/index.js";
import { GlobalAveragePool, GlobalMaxPool, OpenAveragePool, OpenMaxPool } from "../ops/inference.js";
import { bottomText, computeLayer, type Place, type Site } from "./layer.js";
import { type Pool, pool, type Windows } from "./pool.js";
import { averagePoolDilated, maxPoolDilated, spanOf } from "./pool-dilated.js";
import { averagePoolNd, maxPoolNd, pooledSize } from "./pool-nd.js";
import { poolingWindow } from "./sliding-window.js";

/**
 * Pooling over windows of the last two axes of x [n, c, h, w], to [n, c, ph, pw].
 * MAX: the first maximum in row order; a second top is its offset in the h*w plane, as a float.
 * AVE: the sum over the window divided by the window's area, clipped to the padded input but not to the input itself
 * (with avg_include_pad: false, Intel's, to the input itself).
 * STOCHASTIC: in TRAIN an entry drawn with a chance in proportion to its value; in TEST the mean of entries weighted by
 * themselves. For values >= 0; no padding. Caffe has it on the GPU alone.
 * Size: ceil((size + 2*pad - kernel) / stride) + 1 (round_mode FLOOR or ceil_mode false: floor); Caffe rounds pooled size up and convolution down.
 * With padding a last window that would begin behind the input and its padding is dropped.
 * With a `dilation` the entries of a window lie apart (OpenCL's Caffe).
 */
export const Pooling = computeLayer({
  type: "Pooling",
  param: "pooling_param",
  bottoms: 1,
  tops: [1, 2],
  caffeMemory: () => ({ readsBottom: "nothing" }),
  placesFrom: 1,
  sees: poolingWindow,
  family: "pooling",
  lower(site) {
    const x = site.bottoms[0]!;
    const { param } = site;
    if (isDilated(param)) return { tops: dilated(site) };
    if (x.type.shape.length === 5) return { tops: [overThree(site)] };
    if (x.type.shape.length !== 4) throw site.bottomError(0, `${bottomText(site, 0)} does not have 4 axes`);
    if (site.topCount > 1 && param.pool !== Method.MAX)
      throw site.error("only MAX pooling has a second top, the mask", "pool");
    const axes = windows(site);
    if (excludesPadding(param)) return { tops: [averagePoolNd(x, axes, "bottom")] };
    return { tops: pool(site, poolOf(site), axes) };
  },
  lowerForInference(site, { openSpatial }) {
    if (isDilated(site.param)) return undefined;
    const value = globalPool(site) ?? (openSpatial ? openPool(site) : undefined);
    return value && [value];
  },
});

/** Tests for Intel's means, which are over a window's entries of the bottom alone. */
const excludesPadding = ({ pool: method, avg_include_pad }: PoolingParameter): boolean =>
  method === Method.AVE && !avg_include_pad;

/** Tests for windows whose entries lie apart. */
export const isDilated = ({ dilation }: PoolingParameter): boolean => dilation.some((distance) => distance !== 1);

/**
 * The pooling of OpenCL's Caffe by windows whose entries lie apart: MAX of a blob of any number of axes, or AVE of one of 4, which
 * divides by all that a window spans. Source: naibaf7/caffe, pooling_layer.cpp and .cu.
 */
function dilated(site: Site<PoolingParameter>): readonly Value[] {
  const { param } = site;
  const x = site.bottoms[0]!;
  const sizes = x.type.shape.slice(2);
  if (sizes.length !== 2 && param.pool !== Method.MAX)
    throw site.error("AVE pooling with a dilation is for blobs of 4 axes", "pool");
  if (sizes.length !== 2 && site.topCount > 1) throw site.error("a mask is for blobs of 4 axes", "top");
  if (param.pool === Method.STOCHASTIC) throw site.error("STOCHASTIC pooling has no dilation", "dilation");
  const kernels = windowField(site, "kernel_size", "kernel", sizes.length);
  const strides = windowField(site, "stride", "stride", sizes.length);
  const pads = windowField(site, "pad", "pad", sizes.length);
  if (param.global_pooling || pads.some((p) => p > 0))
    throw site.error(
      "a dilation goes with a kernel_size and without pad: with pads the fork takes other entries",
      "dilation",
    );
  if ([...kernels, ...strides, ...param.dilation].some((n) => !(n > 0)))
    throw site.error("kernel_size, stride and dilation must be greater than 0", "dilation");
  if (param.dilation.length !== 1 && param.dilation.length !== sizes.length)
    throw site.error(`dilation is given ${param.dilation.length} times for ${sizes.length} axes`, "dilation");
  const axes = sizes.map((size, i) => {
    const axis = { size, kernel: kernels[i]!, stride: strides[i]!, dilation: param.dilation[i] ?? param.dilation[0]! };
    const pooled = rounding(site)((size - spanOf(axis)) / axis.stride) + 1;
    if (pooled >= 1 && (pooled - 1) * axis.stride < size) return { ...axis, pooled };
    throw site.error(`a window lies outside of the ${size} entries of axis ${i + 2}`, "dilation");
  });
  if (param.pool === Method.AVE) return [averagePoolDilated(x, axes)];
  const { y, places } = maxPoolDilated(x, axes);
  return site.topCount > 1 ? [y, stopGradient(places)] : [y];
}

/** A field of a window, for each axis: its sizes of height and width, that of all axes, or of kernels of more axes each. */
function windowField(
  { param, error }: Site<PoolingParameter>,
  whole: "kernel_size" | "stride" | "pad",
  short: "kernel" | "stride" | "pad",
  rank: number,
): readonly number[] {
  const [shape, h, w] = [`${short}_shape`, `${short}_h`, `${short}_w`] as ["kernel_shape", "kernel_h", "kernel_w"];
  if (has(param, shape)) {
    const { dim } = sub(param, shape);
    if (dim.length !== rank) throw error(`${shape} has ${dim.length} dims for ${rank} axes`, shape);
    return dim.map(Number);
  }
  if ((has(param, h) || has(param, w)) && rank === 2) return [param[h], param[w]];
  return Array<number>(rank).fill(param[whole]);
}

/** Intel's pooling of a blob of 5 axes, MAX or AVE: the same window over length, height and width. */
function overThree(site: Site<PoolingParameter>): Value {
  const { param } = site;
  if (site.topCount > 1 || param.pool === Method.STOCHASTIC)
    throw site.error("a blob of 5 axes has MAX and AVE pooling, and no mask", "pool");
  refuseOfDepth(site);
  const sided = (["kernel_h", "kernel_w", "stride_h", "stride_w", "pad_h", "pad_w"] as const).find((f) =>
    has(param, f),
  );
  if (sided) throw site.error(`${sided} is for blobs of 4 axes`, sided);
  if (!param.global_pooling && param.kernel_size <= 0) throw site.error("kernel_size must be greater than 0");
  if (param.stride <= 0) throw site.error("stride must be greater than 0", "stride");
  const x = site.bottoms[0]!;
  const axes = x.type.shape.slice(2).map((size, i) => {
    const axis = {
      size,
      kernel: param.global_pooling ? size : param.kernel_size,
      stride: param.stride,
      pad: param.pad,
    };
    const pooled = pooledSize(axis, rounding(site));
    if (pooled >= 1 && axis.pad < axis.kernel) return { ...axis, pooled };
    throw site.error(`a window lies outside of the ${size} entries of axis ${i + 2}`, "kernel_size");
  });
  return param.pool === Method.MAX
    ? maxPoolNd(x, axes)
    : averagePoolNd(x, axes, param.avg_include_pad ? "padded" : "bottom");
}

function poolOf(site: Place<PoolingParameter>): Pool {
  switch (site.param.pool) {
    case Method.MAX:
      return { method: "MAX", mask: site.topCount > 1 };
    case Method.AVE:
      return { method: "AVE" };
    case Method.STOCHASTIC:
      return { method: "STOCHASTIC", phase: site.phase };
    default:
      throw site.error(`unknown pooling method ${site.param.pool}`, "pool");
  }
}

/** Throws for a window of Caffe 3D that is no NdPooling's: means, whose divisor no source says. */
function refuseOfDepth({ param, error }: Place<PoolingParameter>): void {
  const field = (["kernel_d", "stride_d", "pad_d", "kstride_d"] as const).find((each) => has(param, each));
  if (field) throw error(`${field} is for MAX pooling`, field);
}

/** The windows of both axes of a Pooling layer, height first. Throws what Caffe checks. */
export function windows(place: Place<PoolingParameter>): readonly [Windows, Windows] {
  const { param } = place;
  refuseOfDepth(place);
  const depth = (["kernel_depth", "temporal_stride", "kernel_l", "stride_l", "pad_l"] as const).find((field) =>
    has(param, field),
  );
  if (depth) throw place.error(`${depth} is for Pooling3D layers`, depth);
  const nd = (["kernel_shape", "stride_shape", "pad_shape"] as const).find((field) => has(param, field));
  if (nd) throw place.error(`${nd} is for NdPooling layers`, nd);
  const [height, width] = place.bottoms[0]!.type.shape.slice(2) as [number, number];
  const kernels = kernelOf(place, height, width);
  const pair = (field: "stride" | "pad"): readonly [number, number] => {
    if (!has(param, `${field}_h`) && !has(param, `${field}_w`)) return [param[field], param[field]];
    if (has(param, field) || !has(param, `${field}_h`) || !has(param, `${field}_w`)) {
      const given = ([field, `${field}_h`, `${field}_w`] as const).find((name) => has(param, name));
      throw place.error(`give ${field}, or both ${field}_h and ${field}_w`, given);
    }
    return [param[`${field}_h`], param[`${field}_w`]];
  };
  const strides = pair("stride");
  const pads = pair("pad");
  if (strides.some((s) => s <= 0)) throw place.error("stride must be greater than 0", "stride");
  if (param.global_pooling && (pads.some((p) => p !== 0) || strides.some((s) => s !== 1))) {
    throw place.error("with global_pooling only pad 0 and stride 1 are possible", "global_pooling");
  }
  return poolWindows(place, { size: [height, width], kernels, strides, pads, round: rounding(place) });
}

/** Rounding of the number of windows along an axis: up, or down where round_mode or ceil_mode says so. Throws where they differ. */
export const rounding = (place: Place<PoolingParameter>): ((x: number) => number) =>
  roundsUp(place) ? Math.ceil : Math.floor;

/** Tests whether sizes are rounded up: round_mode, or what some forks have in its place, ceil_mode. Throws where they differ. */
function roundsUp({ param, error }: Place<PoolingParameter>): boolean {
  const up = param.round_mode === RoundMode.CEIL;
  if (!has(param, "ceil_mode")) return up;
  if (has(param, "round_mode") && up !== param.ceil_mode)
    throw error("ceil_mode and round_mode say different things", "ceil_mode", ["remove one of them"]);
  return param.ceil_mode;
}

type Pair = readonly [number, number];

/** Windows as parameters give them, height first. */
interface WindowParameters {
  readonly size: Pair;
  readonly kernels: Pair;
  readonly strides: Pair;
  readonly pads: Pair;
  readonly round: (x: number) => number;
}

/** The windows of both axes for given parameters. Throws what Caffe checks of them, at `pool`, `pad` or the kernel. */
export function poolWindows(
  place: Place<{ readonly pool: Method }>,
  { size, kernels, strides, pads, round }: WindowParameters,
): readonly [Windows, Windows] {
  const padded = pads.some((p) => p > 0);
  if (padded && place.param.pool === Method.STOCHASTIC) {
    throw place.error("padding is for MAX and AVE pooling only", "pad");
  }
  if (pads.some((p, i) => p > 0 && p >= kernels[i]!)) {
    throw place.error(`pad [${pads}] must be smaller than the kernel [${kernels}]`, "pad");
  }
  const axis = (i: 0 | 1): Windows => {
    const [kernel, stride, padding] = [kernels[i], strides[i], pads[i]];
    let pooled = round((size[i] + 2 * padding - kernel) / stride) + 1;
    if (padded && (pooled - 1) * stride >= size[i] + padding) pooled--;
    if (pooled <= 0 || (padded && (pooled - 1) * stride >= size[i] + padding)) {
      const message = `the kernel [${kernels}] does not fit into [${size}] with pad [${pads}] and stride [${strides}]`;
      throw place.error(message, "kernel_size");
    }
    return { kernel, stride, pad: padding, size: size[i], pooled };
  };
  return [axis(0), axis(1)];
}

function kernelOf(place: Place<PoolingParameter>, height: number, width: number): Pair {
  const { param } = place;
  const square = has(param, "kernel_size");
  const sides = has(param, "kernel_h") || has(param, "kernel_w");
  if (param.global_pooling) {
    if (!square && !sides) return [height, width];
    const message = "with global_pooling the kernel is the whole input; kernel_size cannot be given too";
    throw place.error(message, "global_pooling");
  }
  const both = has(param, "kernel_h") && has(param, "kernel_w");
  if (sides && !square && !both) {
    throw place.error("kernel_h and kernel_w go together", has(param, "kernel_h") ? "kernel_h" : "kernel_w");
  }
  // Caffe asks for one of the two forms in full, and has no use for half of the other.
  if (square === both) throw place.error("give kernel_size, or both kernel_h and kernel_w", "kernel_size");
  const kernel: Pair = square ? [param.kernel_size, param.kernel_size] : [param.kernel_h, param.kernel_w];
  if (kernel.some((k) => k <= 0)) {
    throw place.error("kernel dimensions must be greater than 0", square ? "kernel_size" : "kernel_h");
  }
  return kernel;
}

/** Pooling of whole planes, whatever their size. */
function globalPool({ bottoms, param, topCount }: Site<PoolingParameter>): Value | undefined {
  if (!param.global_pooling || topCount > 1) return undefined;
  if (param.pool === Method.AVE) return apply(GlobalAveragePool, null, bottoms[0]!);
  return param.pool === Method.MAX ? apply(GlobalMaxPool, null, bottoms[0]!) : undefined;
}

/**
 * Pooling whose attributes do not depend on the size of its input. Undefined where they must: Caffe may drop a last window that
 * begins in the padding after the input, and without padding it keeps one that begins behind the input.
 */
function openPool(site: Site<PoolingParameter>): Value | undefined {
  const { param, topCount } = site;
  const x = site.bottoms[0]!;
  if (param.global_pooling || topCount > 1 || param.pool === Method.STOCHASTIC || x.type.shape.length !== 4)
    return undefined;
  if (excludesPadding(param)) return undefined;
  const axes = windows(site);
  if (axes.some((axis) => axis.pad + axis.stride > axis.kernel)) return undefined;
  const attrs = {
    kernel: axes.map(({ kernel }) => kernel),
    strides: axes.map(({ stride }) => stride),
    ceil: roundsUp(site),
  };
  const pads = axes.map((axis) => axis.pad);
  if (param.pool === Method.MAX) return apply(OpenMaxPool, { ...attrs, pads }, x);
  // Caffe divides by what a window has of the padded input: the padding counts, what is beyond does not.
  const around = [[0, 0] as const, [0, 0] as const, ...pads.map((p) => [p, p] as const)];
  return apply(OpenAveragePool, { ...attrs, pads: [0, 0] }, pad(x, around));
}
