import { has } from "../caffe/message.js";
import type { ConvolutionParameter } from "../caffe/messages.js";
import type { ConvAttrs } from "../ops/index.js";
import { canonicalAxis, type Place } from "./layer.js";

/** A convolution's kernel and its attributes, one number a spatial axis. */
export interface ConvGeometry {
  /** The channel axis; the axes before it count as batch, those after it are spatial. */
  readonly axis: number;
  readonly kernel: readonly number[];
  readonly attrs: ConvAttrs;
}

type Repeated = "kernel_size" | "stride" | "pad" | "dilation";

/**
 * Reads kernel, stride, pad and dilation as Caffe does: one number for all spatial axes, one an axis, or the _h and _w forms
 * (2-d only, not together with the repeated form). Throws what Caffe checks.
 */
export function convGeometry(place: Place<ConvolutionParameter>): ConvGeometry {
  const { param } = place;
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
    if (values.length === 0) {
      if (fallback === undefined)
        throw place.error(`${field} is missing`, undefined, [`write ${field}: N, or kernel_h and kernel_w`]);
      return Array<number>(rank).fill(fallback);
    }
    if (values.length !== 1 && values.length !== rank) {
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
  if (kernel.some((k) => k <= 0)) throw place.error("kernel dimensions must be greater than 0", "kernel_size");
  if (strides.some((s) => s <= 0)) throw place.error("stride dimensions must be greater than 0", "stride");
  if (dilations.some((d) => d <= 0)) throw place.error("dilation must be greater than 0", "dilation");
  return { axis, kernel, attrs: { strides, pads, dilations, group: param.group } };
}
