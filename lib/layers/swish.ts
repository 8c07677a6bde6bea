import { mul, sigmoid } from "../ops/index.js";
import { affine } from "./affine.js";
import { computeLayer } from "./layer.js";

/** Swish: y = x * sigmoid(beta * x), element by element. */
export const Swish = computeLayer({
  type: "Swish",
  param: "swish_param",
  bottoms: 1,
  tops: 1,
  caffeMemory: () => ({ readsBottom: "nothing", readsTop: "entries" }),
  sees: "place",
  lower({ bottoms, param }) {
    const x = bottoms[0]!;
    return { tops: [mul(x, sigmoid(affine(x, param.beta, 0)))] };
  },
});
