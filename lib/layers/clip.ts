import { constant } from "../graph/index.js";
import { max, min } from "../ops/index.js";
import { computeLayer } from "./layer.js";

/** Clip: y = max(min, min(x, max)), element by element. The gradient passes where min <= x <= max, both ends included. */
export const Clip = computeLayer({
  type: "Clip",
  param: "clip_param",
  bottoms: 1,
  tops: 1,
  lower({ bottoms, param }) {
    // Of equal inputs the first has the gradient: x at both ends.
    return { tops: [max(min(bottoms[0]!, constant(param.max)), constant(param.min))] };
  },
});
