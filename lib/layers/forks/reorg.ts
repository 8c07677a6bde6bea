import { reshape, transpose } from "../../ops/index.js";
import { computeLayer } from "../layer.js";

/**
 * Reorg (YOLO v2): blocks of stride x stride entries become channels, as darknet has it: x [n,c,h,w] to [n, c*s*s, h/s, w/s], where
 * the memory of x is read as [c/(s*s), h*s, w*s]. `reverse` is the way back, to [n, c/(s*s), h*s, w*s].
 */
export const Reorg = computeLayer({
  type: "Reorg",
  param: "reorg_param",
  bottoms: 1,
  tops: 1,
  lower({ bottoms, param, bottomError }) {
    const x = bottoms[0]!;
    const [n, c, h, w] = x.type.shape as [number, number, number, number];
    const s = param.stride;
    if (x.type.shape.length !== 4 || c % (s * s) !== 0) {
      throw bottomError(0, `Reorg takes 4 axes with channels a multiple of ${s * s}, not [${x.type.shape}]`);
    }
    const least = c / (s * s);
    if (param.reverse) {
      const y = transpose(reshape(x, [n, s, s, least, h, w]), [0, 3, 4, 1, 5, 2]);
      return { tops: [reshape(y, [n, least, h * s, w * s])] };
    }
    if (h % s !== 0 || w % s !== 0) throw bottomError(0, `[${x.type.shape}] does not divide into blocks of ${s}`);
    const y = transpose(reshape(x, [n, least, h, s, w, s]), [0, 3, 5, 1, 2, 4]);
    return { tops: [reshape(y, [n, c * s * s, h / s, w / s])] };
  },
});
