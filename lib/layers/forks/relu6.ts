import { constant } from "../../graph/index.js";
import { min, relu } from "../../ops/index.js";
import { computeLayer } from "../layer.js";

/** ReLU6 (MobileNet): y = min(max(x, 0), 6), element by element. */
export const ReLU6 = computeLayer({
  type: "ReLU6",
  param: null,
  bottoms: 1,
  tops: 1,
  sees: "place",
  lower: ({ bottoms }) => ({ tops: [min(relu(bottoms[0]!), constant(6))] }),
});
