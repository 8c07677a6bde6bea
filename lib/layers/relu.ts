import { leakyRelu, relu } from "../ops/index.js";
import { computeLayer } from "./layer.js";

/** ReLU: y = max(x, 0) + negative_slope * min(x, 0), element by element. The gradient at 0 is negative_slope, as in Caffe. */
export const ReLU = computeLayer({
  type: "ReLU",
  param: "relu_param",
  bottoms: 1,
  tops: 1,
  sees: "place",
  lower({ bottoms, param }) {
    const x = bottoms[0]!;
    return { tops: [param.negative_slope === 0 ? relu(x) : leakyRelu(x, param.negative_slope)] };
  },
});
