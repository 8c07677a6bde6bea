import { constant } from "../graph/index.js";
import { log, mul } from "../ops/index.js";
import { affine } from "./affine.js";
import { computeLayer } from "./layer.js";
import { logBase } from "./logarithm.js";

/** Log: y = log(scale * x + shift) / log(base), element by element; base -1 stands for e. Base 1 has no logarithm. */
export const Log = computeLayer({
  type: "Log",
  param: "log_param",
  bottoms: 1,
  tops: 1,
  caffeMemory: () => ({
    inPlace: {
      differs: "gradients",
      gives: "Caffe overwrites the top's gradient before it reads it, and takes the logarithm's slope at the top",
    },
  }),
  sees: "place",
  lower(site) {
    const { base, scale, shift } = site.param;
    const factor = Math.fround(1 / logBase(site));
    if (!Number.isFinite(factor)) throw site.error(`1 / log(base) is ${factor} for base ${base}`, "base");
    const y = log(affine(site.bottoms[0]!, scale, shift));
    return { tops: [factor === 1 ? y : mul(y, constant(factor))] };
  },
});
