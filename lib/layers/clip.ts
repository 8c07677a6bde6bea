import { has, sub as message } from "../caffe/message.js";
import { constant } from "../graph/index.js";
import { clip, expand, stopGradient, withGradientOf } from "../ops/index.js";
import { computeLayer } from "./layer.js";

/**
 * Clip: y = max(min, min(x, max)), element by element: min where it is greater than max. The gradient passes where
 * min <= x <= max, both ends included. With `caffeQuirks`, in place, it passes everywhere, as y has taken the place of x.
 */
export const Clip = computeLayer({
  type: "Clip",
  param: "clip_param",
  bottoms: 1,
  tops: 1,
  caffeMemory(layer) {
    const { min, max } = message(layer, "clip_param");
    return {
      inPlace: { differs: "gradients", gives: "Caffe lets it pass everywhere", mended: true },
      readsBottom: "entries",
      keeps: min <= 0 && max > 0 ? "signs" : "nothing",
    };
  },
  sees: "place",
  lower({ bottoms, param, error, layer, caffeQuirks }) {
    for (const field of ["min", "max"] as const) {
      if (!has(param, field)) throw error(`${field} is missing`, undefined, ["write clip_param { min: A max: B }"]);
    }
    const x = bottoms[0]!;
    if (param.min > param.max) return { tops: [expand(constant(param.min), x.type.shape)] };
    const y = clip(x, param.min, param.max);
    const passesAll = caffeQuirks && layer.bottom[0] === layer.top[0];
    return { tops: [passesAll ? withGradientOf(stopGradient(y), x) : y] };
  },
});
