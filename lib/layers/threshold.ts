import { constant } from "../graph/index.js";
import { cast, greater } from "../ops/index.js";
import { computeLayer } from "./layer.js";

/** Threshold: y = 1 where x > threshold, else 0, element by element. It has no gradient. */
export const Threshold = computeLayer({
  type: "Threshold",
  param: "threshold_param",
  bottoms: 1,
  tops: 1,
  noGradientTo: [0],
  sees: "place",
  lower: ({ bottoms, param }) => ({ tops: [cast(greater(bottoms[0]!, constant(param.threshold)), "float32")] }),
});
