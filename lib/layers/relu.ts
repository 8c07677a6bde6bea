import { sub as message } from "../caffe/message.js";
import { leakyRelu, relu } from "../ops/index.js";
import { computeLayer } from "./layer.js";

/** ReLU: y = max(x, 0) + negative_slope * min(x, 0), element by element. The gradient at 0 is negative_slope, as in Caffe. */
export const ReLU = computeLayer({
  type: "ReLU",
  param: "relu_param",
  bottoms: 1,
  tops: 1,
  caffeMemory(layer) {
    const slope = message(layer, "relu_param").negative_slope;
    if (slope < 0) {
      return { inPlace: { differs: "gradients", gives: "Caffe takes the signs of the top for those of the bottom" } };
    }
    return { readsBottom: "signs", keeps: slope === 0 ? "entries" : "signs" };
  },
  sees: "place",
  lower({ bottoms, param }) {
    const x = bottoms[0]!;
    return { tops: [param.negative_slope === 0 ? relu(x) : leakyRelu(x, param.negative_slope)] };
  },
});
