import { reshape, reverse, transpose } from "../../ops/index.js";
import { computeLayer } from "../layer.js";

/** Flip (caffe-windows): planes of x [n,c,h,w] mirrored along their width, their height or both. */
export const Flip = computeLayer({
  type: "Flip",
  param: "flip_param",
  bottoms: 1,
  tops: 1,
  lower({ bottoms: [x], param, bottomError }) {
    const { shape } = x!.type;
    if (shape.length !== 4) throw bottomError(0, `Flip takes a blob of 4 axes, not [${shape}]`);
    const wide = param.flip_width ? reverse(x!, 3) : x!;
    return { tops: [param.flip_height ? reverse(wide, 2) : wide] };
  },
});

/**
 * GSTiling (DenseBox nets): blocks of s x s entries become channels, x [n,c,h,w] to [n,s*s*c,h/s,w/s], all channels of a place in the
 * block one after another; `reverse` is the way back.
 */
export const GSTiling = computeLayer({
  type: "GSTiling",
  param: "gs_tiling_param",
  bottoms: 1,
  tops: 1,
  lower({ bottoms: [x], param, bottomError, error }) {
    const { shape } = x!.type;
    if (shape.length !== 4) throw bottomError(0, `GSTiling takes a blob of 4 axes, not [${shape}]`);
    const [n, c, h, w] = shape as unknown as readonly [number, number, number, number];
    const s = param.stride;
    if (s < 1) throw error("stride must be greater than 0", "stride", ["write stride: N"]);
    if (param.reverse) {
      if (c % (s * s) !== 0) throw bottomError(0, `the channels of [${shape}] are no multiple of ${s * s}`);
      const blocks = transpose(reshape(x!, [n, s, s, c / (s * s), h, w]), [0, 3, 4, 1, 5, 2]);
      return { tops: [reshape(blocks, [n, c / (s * s), h * s, w * s])] };
    }
    if (h % s !== 0 || w % s !== 0) throw bottomError(0, `height and width of [${shape}] are no multiples of ${s}`);
    const blocks = transpose(reshape(x!, [n, c, h / s, s, w / s, s]), [0, 3, 5, 1, 2, 4]);
    return { tops: [reshape(blocks, [n, s * s * c, h / s, w / s])] };
  },
});
