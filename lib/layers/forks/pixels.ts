import { has, type Message } from "../../caffe/message.js";
import { PadParameter_PadType as PadType } from "../../caffe/messages.js";
import { resize, scatter } from "../../ops/detection.js";
import { cast, pad, reshape, transpose, zeros } from "../../ops/index.js";
import { computeLayer, type Site } from "../layer.js";

/** The first bottom and its four dims. */
function planes(site: Pick<Site<Message | null>, "bottoms" | "bottomError">, type: string) {
  const x = site.bottoms[0]!;
  const { shape } = x.type;
  if (shape.length !== 4) throw site.bottomError(0, `${type} takes a blob of 4 axes, not [${shape}]`);
  return { x, shape, dims: shape as unknown as readonly [number, number, number, number] };
}

/** PixelShuffle (nets from PyTorch): channels become blocks of s x s entries, x [n,c*s*s,h,w] to [n,c,h*s,w*s]. */
export const PixelShuffle = computeLayer({
  type: "PixelShuffle",
  param: "pixelshuffle_param",
  bottoms: 1,
  tops: 1,
  lower(site) {
    const s = site.param.upscale_factor;
    const { x, shape, dims } = planes(site, "PixelShuffle");
    const [n, c, h, w] = dims;
    if (s < 1) throw site.error(`upscale_factor ${s} is not at least 1`, "upscale_factor");
    if (c % (s * s) !== 0) throw site.bottomError(0, `the channels of [${shape}] are no multiple of ${s * s}`);
    const blocks = transpose(reshape(x, [n, c / (s * s), s, s, h, w]), [0, 1, 4, 2, 5, 3]);
    return { tops: [reshape(blocks, [n, c / (s * s), h * s, w * s])] };
  },
});

/** MaxUnPool (nets from PyTorch): x goes to where the mask of a MAX pooling says, in planes of dst_h x dst_w, the rest is 0. */
export const MaxUnPool = computeLayer({
  type: "MaxUnPool",
  param: "max_unpool_param",
  bottoms: 2,
  tops: 1,
  lower(site) {
    const { param, bottoms, bottomError, error } = site;
    const { x, shape, dims } = planes(site, "MaxUnPool");
    const [n, c, h, w] = dims;
    const mask = bottoms[1]!;
    if (mask.type.shape.join() !== shape.join())
      throw bottomError(1, `the mask [${mask.type.shape}] is not of the shape [${shape}] of the first bottom`);
    if (!has(param, "dst_h") || !has(param, "dst_w")) throw error("MaxUnPool needs dst_h and dst_w");
    const flat = [n, c, h * w];
    const all = zeros([n, c, param.dst_h * param.dst_w]);
    const y = scatter(all, cast(reshape(mask, flat), "int64"), reshape(x, flat), 2);
    return { tops: [reshape(y, [n, c, param.dst_h, param.dst_w])] };
  },
});

/** Unsqueeze (nets from PyTorch): an axis of 1 more, before axis `dim`; -1 is behind the last. */
export const Unsqueeze = computeLayer({
  type: "Unsqueeze",
  param: "unsqueeze_param",
  bottoms: 1,
  tops: 1,
  lower({ bottoms: [x], param: { dim }, error }) {
    const { shape } = x!.type;
    const at = dim < 0 ? dim + shape.length + 1 : dim;
    if (at < 0 || at > shape.length) throw error(`dim ${dim} is out of range for [${shape}]`, "dim");
    return { tops: [reshape(x!, [...shape.slice(0, at), 1, ...shape.slice(at)])] };
  },
});

/** Pad (nets from PyTorch): pad_value around the planes; where all four numbers are negative, planes are cropped by them. */
export const Pad = computeLayer({
  type: "Pad",
  param: "pad_param",
  bottoms: 1,
  tops: 1,
  lower(site) {
    const { pad_u, pad_d, pad_l, pad_r, pad_type, pad_value } = site.param;
    const { x, shape, dims } = planes(site, "Pad");
    const all = [pad_u, pad_d, pad_l, pad_r];
    if (pad_type !== PadType.CONSTANT && all.some((size) => size > 0))
      throw site.error("netrun pads with a constant, not with what stands at the edge", "pad_type");
    if (all.some((size) => size < 0) && all.some((size) => size >= 0))
      throw site.error("Pad crops on all four sides, or on none");
    if (dims[2] + pad_u + pad_d < 1 || dims[3] + pad_l + pad_r < 1)
      throw site.error(`nothing is left of [${shape}] when it is cropped so`);
    const sides = [
      [0, 0],
      [0, 0],
      [pad_u, pad_d],
      [pad_l, pad_r],
    ] as const;
    return { tops: [pad(x, sides, pad_value)] };
  },
});

/**
 * BilinearInterpolate (nets from PyTorch): planes interpolated to dst_h x dst_w, or by scale_factor, with the corners in place.
 */
export const BilinearInterpolate = computeLayer({
  type: "BilinearInterpolate",
  param: "bilinear_interpolate_param",
  bottoms: 1,
  tops: 1,
  lower(site) {
    const { param, error } = site;
    const { x, dims } = planes(site, "BilinearInterpolate");
    const [, , h, w] = dims;
    if (!param.align_corners)
      throw error("align_corners: false: netrun interpolates with the corners in place", "align_corners");
    const isSized = has(param, "dst_h") || has(param, "dst_w");
    if (isSized === has(param, "scale_factor")) throw error("give dst_h and dst_w, or scale_factor");
    const scaled = (size: number) => Math.trunc(Math.fround(size * param.scale_factor));
    const of = (field: "dst_h" | "dst_w", size: number) =>
      !isSized ? scaled(size) : has(param, field) ? param[field] : size;
    const size = [of("dst_h", h), of("dst_w", w)] as const;
    if (size[0] < 1 || size[1] < 1) throw error(`a size of [${size}] is none`);
    return { tops: [resize(x, { mode: "linear", size })] };
  },
});
