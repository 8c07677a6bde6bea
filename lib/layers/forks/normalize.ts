import { create, has, sub } from "../../caffe/message.js";
import { constant } from "../../graph/index.js";
import { add, div, mul, reduceSum, reshape, sqrt } from "../../ops/index.js";
import { computeLayer } from "../layer.js";

const ONE = create("FillerParameter", { type: "constant", value: 1 });

/**
 * Normalize (SSD): y = scale * x / sqrt(sum of x^2 + eps), the sum over channels at each place, or (`across_spatial`) over all of
 * an item. x [n,c,...]; scale is learnt, one for all (`channel_shared`) or [c].
 */
export const Normalize = computeLayer({
  type: "Normalize",
  param: "norm_param",
  bottoms: 1,
  tops: 1,
  blobs({ param, bottoms }) {
    const shape = param.channel_shared ? [] : [bottoms[0]!.type.shape[1]!];
    return [{ shape, filler: has(param, "scale_filler") ? sub(param, "scale_filler") : ONE }];
  },
  lower({ bottoms, blobs, param, bottomError }) {
    const x = bottoms[0]!;
    const { shape } = x.type;
    if (shape.length < 2) throw bottomError(0, `Normalize takes a blob of 2 axes or more, not [${shape}]`);
    const axes = shape.map((_, axis) => axis).slice(1);
    const sum = reduceSum(mul(x, x), param.across_spatial ? axes : [1], true);
    const scale = param.channel_shared ? blobs[0]! : reshape(blobs[0]!, [shape[1]!, ...axes.slice(1).map(() => 1)]);
    return { tops: [mul(div(x, sqrt(add(sum, constant(param.eps)))), scale)] };
  },
});
