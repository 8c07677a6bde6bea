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
