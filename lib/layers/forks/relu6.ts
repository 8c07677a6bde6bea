import { constant } from "../../graph/index.js";
import { leakyRelu, min, relu } from "../../ops/index.js";
import { computeLayer } from "../layer.js";

/**
 * ReLU6 (MobileNet): y = min(max(x, 0), 6), element by element. Where a fork has settings of it: y = min(x, threshold) for x > 0,
 * else min(negative_slope * x, threshold).
 */
export const ReLU6 = computeLayer({
  type: "ReLU6",
  param: "relu6_param",
  bottoms: 1,
  tops: 1,
  sees: "place",
  lower({ bottoms: [x], param: { negative_slope, threshold } }) {
    const y = negative_slope === 0 ? relu(x!) : leakyRelu(x!, negative_slope);
    return { tops: [min(y, constant(threshold))] };
  },
});
