import { has, sub as message } from "../../caffe/message.js";
import type { DeformableConvolutionParameter, ModulatedDeformableConvolutionParameter } from "../../caffe/messages.js";
import { constant, type Value } from "../../graph/index.js";
import {
  add,
  conv,
  floor,
  greaterOrEqual,
  max,
  min,
  mul,
  reshape,
  slice,
  stopGradient,
  sub,
  where,
} from "../../ops/index.js";
import { concat } from "../../ops/shape.js";
import { entriesAt, isInside } from "../bilinear.js";
import { type BlobSpec, bottomText, computeLayer, type Place, type Site } from "../layer.js";

type Param = DeformableConvolutionParameter | ModulatedDeformableConvolutionParameter;
type Pair = readonly [number, number];

/**
 * DeformableConvolution (Deformable ConvNets): a Convolution whose windows read x at places moved by an offset each: rows, then
 * columns, for each entry of the kernel and each of `deformable_group` groups of channels; between entries by bilinear
 * interpolation, 0 outside. x [n, c, h, w], offsets [n, 2 groups kh kw, ph, pw], W [num_output, c / group, kh, kw], b [num_output].
 */
export const DeformableConvolution = computeLayer({
  type: "DeformableConvolution",
  param: "deformable_convolution_param",
  bottoms: 2,
  tops: 1,
  exact: true,
  family: "convolution",
  blobs: blobsOf,
  lower: (site) => ({ tops: [convolved(site, sampled)] }),
});

/**
 * ModulatedDeformableConvolution (Deformable ConvNets, second version): DeformableConvolution whose window's entries are multiplied
 * by a mask each, a third bottom [n, groups kh kw, ph, pw]; outside of x there are zeros, with which places up to one entry away are
 * interpolated.
 * Source: zhanglonghao1992/Deformable-ConvNets-v1-v2-caffe, modulated_deformable_im2col.cu.
 */
export const ModulatedDeformableConvolution = computeLayer({
  type: "ModulatedDeformableConvolution",
  param: "modulated_deformable_convolution_param",
  bottoms: 3,
  tops: 1,
  exact: true,
  family: "convolution",
  blobs: blobsOf,
  lower: (site) => ({ tops: [convolved(site, sampledAmongZeros, site.bottoms[2])] }),
});

function blobsOf(place: Place<Param>): readonly BlobSpec[] {
  const { param } = place;
  const { kernel, channels } = geometryOf(place);
  const weight = {
    shape: [param.num_output, channels / param.group, ...kernel],
    filler: message(param, "weight_filler"),
  };
  return param.bias_term ? [weight, { shape: [param.num_output], filler: message(param, "bias_filler") }] : [weight];
}

/** The convolution of what is sampled at the moved places, each times its entry of the mask. */
function convolved(site: Site<Param>, sample: typeof sampled, mask?: Value): Value {
  const { param } = site;
  const [x, offsets] = site.bottoms as [Value, Value];
  const [w, b] = site.blobs as [Value, Value | undefined];
  const { kernel, size, channels } = geometryOf(site);
  const n = x.type.shape[0]!;
  const [taps, k, groups] = [kernel[0] * kernel[1], size[0] * size[1], param.deformable_group];
  const part = channels / groups;
  const columns = Array.from({ length: groups }, (_, group) => {
    const own = slice(x, 1, group * part, (group + 1) * part);
    const of = Array.from({ length: taps }, (_, tap) => {
      const at = group * taps + tap;
      const plane = (maps: Value, i: number) => reshape(slice(maps, 1, i, i + 1), [n, k]);
      const moved = (axis: 0 | 1) => add(plane(offsets, 2 * at + axis), starts(site, axis, tap));
      const entries = sample(own, moved(0), moved(1));
      return reshape(mask ? mul(entries, reshape(plane(mask, at), [n, 1, k])) : entries, [n, part, 1, k]);
    });
    return concat(of, 2);
  });
  const whole = reshape(concat(columns, 1), [n, channels * taps, ...size]);
  const weights = reshape(w, [param.num_output, (channels / param.group) * taps, 1, 1]);
  return conv(whole, weights, { strides: [1, 1], pads: [0, 0], dilations: [1, 1], group: param.group }, b);
}

/** x [n, c, h, w] at rows and columns [n, k]: [n, c, k]. */
function sampled(x: Value, rows: Value, columns: Value): Value {
  const [n, , h, w] = x.type.shape as [number, number, number, number];
  const k = rows.type.shape[1]!;
  const axis = (place: Value, dim: number) => {
    const below = floor(stopGradient(place));
    // At the last entry and behind it there is none above, and the place does not matter.
    const isLast = greaterOrEqual(below, constant(dim - 1));
    const low = max(min(below, constant(dim - 1)), constant(0));
    const high = min(add(low, constant(1)), constant(dim - 1));
    const above = where(isLast, constant(0), sub(place, low));
    return { low, high, above, below: sub(constant(1), above) };
  };
  const [i, j] = [axis(rows, h), axis(columns, w)];
  const at = (row: Value, column: Value, weight: Value) =>
    mul(entriesAt(x, row, column, "nearest"), reshape(weight, [n, 1, k]));
  const value = add(
    add(at(i.low, j.low, mul(i.below, j.below)), at(i.low, j.high, mul(i.below, j.above))),
    add(at(i.high, j.low, mul(i.above, j.below)), at(i.high, j.high, mul(i.above, j.above))),
  );
  const inside = reshape(isInside(stopGradient(rows), stopGradient(columns), h, w), [n, 1, k]);
  return where(inside, value, constant(0));
}

/** x [n, c, h, w] among zeros at rows and columns [n, k]: [n, c, k]. */
function sampledAmongZeros(x: Value, rows: Value, columns: Value): Value {
  const [n] = x.type.shape as [number];
  const k = rows.type.shape[1]!;
  const axis = (place: Value) => {
    const low = floor(stopGradient(place));
    const above = sub(place, low);
    return [
      { at: low, weight: sub(constant(1), above) },
      { at: add(low, constant(1)), weight: above },
    ] as const;
  };
  const corners = axis(rows).flatMap((row) =>
    axis(columns).map((column) =>
      mul(entriesAt(x, row.at, column.at, "zero"), reshape(mul(row.weight, column.weight), [n, 1, k])),
    ),
  );
  return corners.reduce(add);
}

/** Place where an entry of the kernel reads for each entry of the top, along an axis, before it is moved: [1, k]. */
function starts(place: Place<Param>, axis: 0 | 1, tap: number): Value {
  const { kernel, stride, pad, dilation, size } = geometryOf(place);
  const own = axis === 0 ? Math.floor(tap / kernel[1]) : tap % kernel[1];
  const at = (i: number) => (axis === 0 ? Math.floor(i / size[1]) : i % size[1]);
  const k = size[0] * size[1];
  return constant(
    Float32Array.from({ length: k }, (_, i) => at(i) * stride[axis] - pad[axis] + own * dilation[axis]),
    [1, k],
  );
}

function geometryOf(place: Place<Param>) {
  const { param, bottoms, error } = place;
  const { shape } = bottoms[0]!.type;
  if (shape.length !== 4) throw place.bottomError(0, `${bottomText(place, 0)} does not have 4 axes`);
  const [n, channels, h, w] = shape as [number, number, number, number];
  const pair = (whole: "kernel_size" | "stride" | "pad", side: "kernel" | "stride" | "pad", fallback: number): Pair => {
    if (has(param, `${side}_h`) || has(param, `${side}_w`)) return [param[`${side}_h`], param[`${side}_w`]];
    const [first = fallback, second = first] = param[whole];
    return [first, second];
  };
  const kernel = pair("kernel_size", "kernel", 0);
  const stride = pair("stride", "stride", 1);
  const pad = pair("pad", "pad", 0);
  const [dh = 1, dw = dh] = param.dilation;
  const dilation: Pair = [dh, dw];
  if (param.num_output <= 0) throw error("num_output must be greater than 0", "num_output");
  if (kernel.some((dim) => dim <= 0)) throw error("kernel_size is missing", undefined, ["write kernel_size: N"]);
  if (stride.some((dim) => dim <= 0)) throw error("stride must be greater than 0", "stride");
  for (const field of ["group", "deformable_group"] as const)
    if (param[field] <= 0 || channels % param[field] !== 0)
      throw error(
        `${field} ${param[field]} does not divide the ${channels} channels of ${bottomText(place, 0)}`,
        field,
      );
  if (param.num_output % param.group !== 0)
    throw error(`group ${param.group} does not divide num_output ${param.num_output}`, "group");
  const size = ([h, w] as const).map(
    (dim, i) =>
      Math.floor(
        (dim + 2 * pad[i as 0 | 1] - dilation[i as 0 | 1] * (kernel[i as 0 | 1] - 1) - 1) / stride[i as 0 | 1],
      ) + 1,
  ) as unknown as Pair;
  if (size.some((dim) => dim <= 0)) throw error("the kernel is larger than the padded bottom", "kernel_size");
  const offsets = [n, 2 * param.deformable_group * kernel[0] * kernel[1], ...size];
  if (bottoms[1]!.type.shape.join() !== offsets.join())
    throw place.bottomError(1, `${bottomText(place, 1)}, the offsets, is not [${offsets}]`);
  const mask = [n, offsets[1]! / 2, ...size];
  if (bottoms[2] && bottoms[2].type.shape.join() !== mask.join())
    throw place.bottomError(2, `${bottomText(place, 2)}, the mask, is not [${mask}]`);
  return { kernel, stride, pad, dilation, size, channels };
}
