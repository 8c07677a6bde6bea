import { sub as message } from "../caffe/message.js";
import { constant } from "../graph/index.js";
import { div, expand, mul, pow } from "../ops/index.js";
import { affine } from "./affine.js";
import { computeLayer } from "./layer.js";
import { withSlope } from "./slope.js";

/**
 * Power: y = (shift + scale * x)^power, element by element. Power 0 gives 1 for any x, and scale 0 gives shift^power.
 * Caffe's slope, but for the powers 0, 1 and 2, is power * scale * y / (shift + scale * x): not a number where that base is 0.
 */
export const Power = computeLayer({
  type: "Power",
  param: "power_param",
  bottoms: 1,
  tops: 1,
  caffeMemory(layer) {
    const { power, scale } = message(layer, "power_param");
    if (power === 0 || scale === 0) return { readsBottom: "nothing" };
    const gives =
      power === 1 && Math.abs(scale) === 1
        ? "Caffe gives 1 whatever the top's gradient is"
        : "Caffe overwrites the top's gradient by the slope before it multiplies by it, and gives the slope's square";
    return {
      inPlace: { differs: "gradients", gives },
      readsBottom: power === 1 ? "nothing" : "values",
      readsTop: power === 1 || power === 2 ? "nothing" : "entries",
      keeps: power === 1 && scale > 0 && message(layer, "power_param").shift === 0 ? "signs" : "nothing",
    };
  },
  sees: "place",
  lower({ bottoms, param }) {
    const { power, scale, shift } = param;
    const x = bottoms[0]!;
    if (power === 0 || scale === 0) return { tops: [expand(constant(power === 0 ? 1 : shift ** power), x.type.shape)] };
    const base = affine(x, scale, shift);
    if (power === 1) return { tops: [base] };
    if (power === 2) return { tops: [mul(base, base)] };
    const y = pow(base, constant(power));
    const slope = mul(div(y, base), constant(power));
    return { tops: [withSlope(y, base, slope)] };
  },
});
