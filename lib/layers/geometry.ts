import { has, sub } from "../caffe/message.js";
import type { ConvolutionParameter } from "../caffe/messages.js";
import { count, sameShape, type Value } from "../graph/index.js";
import { type ConvAttrs, pad, reshape } from "../ops/index.js";
import { type BlobSpec, bottomText, canonicalAxis, type Place } from "./layer.js";

/** A convolution's kernel and its attributes, one number a spatial axis. */
export interface ConvGeometry {
  /** The channel axis; the axes before it count as batch, those after it are spatial. */
  readonly axis: number;
  readonly kernel: readonly number[];
  readonly attrs: ConvAttrs;
}

/** Fields of windows of length. */
const OF_LENGTHS = ["kernel_depth", "temporal_stride", "temporal_pad", "kernel_l", "stride_l", "pad_l"] as const;

/** Fields of windows of Caffe 3D and of OpenCL's Caffe, which Convolution has by other names. */
const OF_DEPTHS = ["kernel_d", "stride_d", "pad_d", "kstride", "kstride_h", "kstride_w", "kstride_d"] as const;

type Repeated = "kernel_size" | "stride" | "pad" | "dilation";

/**
 * Reads kernel, stride, pad and dilation as Caffe does: one number for all spatial axes, one an axis, or the _h and _w forms
 * (2-d only, not together with the repeated form). Throws what Caffe checks.
 */
export function convGeometry(place: Place<ConvolutionParameter>): ConvGeometry {
  const { param } = place;
  const depth = OF_LENGTHS.find((field) => has(param, field));
  if (depth) throw place.error(`${depth} is for Convolution3D layers`, depth);
  const apart = OF_DEPTHS.find((field) => has(param, field));
  if (apart) throw place.error(`${apart} is for Convolution and Deconvolution layers`, apart);
  const nd = (["kernel_shape", "stride_shape", "pad_shape"] as const).find((field) => has(param, field));
  if (nd) throw place.error(`${nd} is for NdConvolution layers`, nd);
  const shape = place.bottoms[0]!.type.shape;
  const axis = canonicalAxis(place, param.axis, shape.length);
  const rank = shape.length - axis - 1;
  const read = (field: Repeated, hw: "kernel" | "stride" | "pad" | undefined, fallback: number | undefined) => {
    const values = param[field];
    if (hw && (has(param, `${hw}_h`) || has(param, `${hw}_w`))) {
      if (rank !== 2) throw place.error(`${hw}_h and ${hw}_w are for 2 spatial axes, here are ${rank}`, `${hw}_h`);
      if (values.length > 0) throw place.error(`either ${field} or ${hw}_h and ${hw}_w, not both`, field);
      return [param[`${hw}_h`], param[`${hw}_w`]];
    }
    if (values.length === 0 && rank > 0) {
      if (fallback === undefined)
        throw place.error(`${field} is missing`, undefined, [`write ${field}: N, or kernel_h and kernel_w`]);
      return Array<number>(rank).fill(fallback);
    }
    if (values.length > 1 && values.length !== rank) {
      throw place.error(`${field} is given ${values.length} times for ${rank} spatial axes`, field, [
        "give it once, or once an axis",
      ]);
    }
    return Array.from({ length: rank }, (_, i) => values[values.length === 1 ? 0 : i]!);
  };
  const kernel = read("kernel_size", "kernel", undefined);
  const strides = read("stride", "stride", 1);
  const pads = read("pad", "pad", 0);
  const dilations = read("dilation", undefined, 1);
  const given = (field: "kernel" | "stride", whole: Repeated) => (has(param, `${field}_h`) ? `${field}_h` : whole);
  if (kernel.some((k) => k <= 0)) {
    throw place.error("kernel dimensions must be greater than 0", given("kernel", "kernel_size"));
  }
  if (strides.some((s) => s <= 0)) throw place.error("stride must be greater than 0", given("stride", "stride"));
  if (dilations.some((d) => d <= 0)) throw place.error("dilation must be greater than 0", "dilation");
  return { axis, kernel, attrs: { strides, pads, dilations, group: param.group } };
}

/** The extent of a kernel with its dilation, on spatial axis `i`. */
export const reach = ({ kernel, attrs }: ConvGeometry, i: number): number => attrs.dilations[i]! * (kernel[i]! - 1) + 1;

/** The windows of a convolution on one spatial axis. */
export interface AxisWindows {
  readonly windows: number;
  /** Entries that the last window reaches beyond the padded bottom; they count as 0. */
  readonly beyond: number;
}

/**
 * The windows on each spatial axis of bottom 0: (size + 2*pad - reach) / stride + 1. Caffe divides ints, and C++ cuts towards 0: a
 * kernel that is larger than the padded bottom by less than a stride still has one window. Throws where there is none.
 */
export function convWindows(place: Place<ConvolutionParameter>, geometry: ConvGeometry): readonly AxisWindows[] {
  const { shape } = place.bottoms[0]!.type;
  const { axis, kernel, attrs } = geometry;
  return kernel.map((_, i) => {
    const size = shape[axis + 1 + i]!;
    const room = size + 2 * attrs.pads[i]! - reach(geometry, i);
    const windows = Math.trunc(room / attrs.strides[i]!) + 1;
    if (windows > 0) return { windows, beyond: Math.max(0, -room) };
    throw place.error(
      `the kernel covers ${reach(geometry, i)} entries of axis ${axis + 1 + i}, which has ${size} and pads of ${attrs.pads[i]}`,
      "kernel_size",
      [`bottom "${place.layer.bottom[0]}" is [${shape}]`],
    );
  });
}

/** x with the zeros that its last windows reach beyond it and its pads. */
export function extended(x: Value, { axis }: ConvGeometry, windows: readonly AxisWindows[]): Value {
  return pad(
    x,
    x.type.shape.map((_, i) => [0, i > axis ? windows[i - axis - 1]!.beyond : 0]),
  );
}

/**
 * The blobs of Convolution and, with the roles of bottom and top channels swapped, of Deconvolution: weights
 * [channels out, channels in / group, ...kernel] and, where `bias_term`, biases [num_output]. Throws what Caffe checks.
 */
export function convBlobs(place: Place<ConvolutionParameter>, transposed: boolean): readonly BlobSpec[] {
  const { param, bottoms } = place;
  const { axis, kernel } = convGeometry(place);
  const shape = bottoms[0]!.type.shape;
  const channels = shape[axis]!;
  const { num_output, group } = param;
  if (num_output <= 0) throw place.error("num_output must be greater than 0", "num_output");
  if (group <= 0 || channels % group !== 0) {
    const message = `group ${group} does not divide the ${channels} channels of bottom "${place.layer.bottom[0]}"`;
    throw place.error(message, "group");
  }
  if (num_output % group !== 0) throw place.error(`group ${group} does not divide num_output ${num_output}`, "group");
  bottoms.forEach(({ type }, i) => {
    if (sameShape(type.shape, shape)) return;
    throw place.bottomError(i, `${bottomText(place, i)} and ${bottomText(place, 0)} differ in shape`);
  });
  const [rows, columns] = transposed ? [channels, num_output] : [num_output, channels];
  const weight = {
    shape: [rows, columns / group, ...kernel],
    filler: sub(param, "weight_filler"),
    unitAxis: transposed ? null : 0,
  };
  return param.bias_term ? [weight, { shape: [num_output], filler: sub(param, "bias_filler") }] : [weight];
}

/**
 * Applies a convolution of ONNX, which wants x [n, c, ...] and weights [.., .., ...] with at least one spatial axis, to a blob
 * whose axes before the channel axis all count as batch and which may have no spatial axis at all.
 */
export function overBatch(
  x: Value,
  w: Value,
  { axis, kernel, attrs }: ConvGeometry,
  op: (x: Value, w: Value, attrs: ConvAttrs) => Value,
): Value {
  const { shape } = x.type;
  const batch = [count(shape, 0, axis), ...shape.slice(axis)];
  if (kernel.length > 0) {
    const y = op(reshape(x, batch), w, attrs);
    return reshape(y, [...shape.slice(0, axis), ...y.type.shape.slice(1)]);
  }
  const point = { strides: [1], pads: [0], dilations: [1], group: attrs.group };
  const y = op(reshape(x, [...batch, 1]), reshape(w, [...w.type.shape, 1]), point);
  return reshape(y, [...shape.slice(0, axis), y.type.shape[1]!]);
}
