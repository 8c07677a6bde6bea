import { has } from "../caffe/message.js";
import { constant } from "../graph/index.js";
import { clip, expand } from "../ops/index.js";
import { computeLayer } from "./layer.js";

/**
 * Clip: y = max(min, min(x, max)), element by element: min where it is greater than max. The gradient passes where
 * min <= x <= max, both ends included.
 */
export const Clip = computeLayer({
  type: "Clip",
  param: "clip_param",
  bottoms: 1,
  tops: 1,
  sees: "place",
  lower({ bottoms, param, error }) {
    for (const field of ["min", "max"] as const) {
      if (!has(param, field)) throw error(`${field} is missing`, undefined, ["write clip_param { min: A max: B }"]);
    }
    const x = bottoms[0]!;
    return {
      tops: [param.min > param.max ? expand(constant(param.min), x.type.shape) : clip(x, param.min, param.max)],
    };
  },
});
