import { constant } from "../graph/index.js";
import { add, min, mul, relu } from "../ops/index.js";
import { computeLayer } from "./layer.js";

/** ReLU: y = max(x, 0) + negative_slope * min(x, 0), element by element. The gradient at 0 is negative_slope, as in Caffe. */
export const ReLU = computeLayer({
  type: "ReLU",
  param: "relu_param",
  bottoms: 1,
  tops: 1,
  lower({ bottoms, param }) {
    const x = bottoms[0]!;
    if (param.negative_slope === 0) return { tops: [relu(x)] };
    return { tops: [add(relu(x), mul(min(x, constant(0)), constant(param.negative_slope)))] };
  },
});
