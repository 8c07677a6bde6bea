import { constant } from "../../graph/index.js";
import { add, div, mul, reduceSum, sqrt, stopGradient } from "../../ops/index.js";
import { bottomText, computeLayer } from "../layer.js";
import { withSlope } from "../slope.js";

/** ChannelNorm (FlowNet): y = sqrt(sum of x^2 over channels) [n, 1, h, w]. The gradient divides by y + 1e-9, so that 0 has one. */
export const ChannelNorm = computeLayer({
  type: "ChannelNorm",
  param: null,
  bottoms: 1,
  tops: 1,
  sees: "place",
  lower(site) {
    const x = site.bottoms[0]!;
    if (x.type.shape.length !== 4) throw site.bottomError(0, `${bottomText(site, 0)} does not have 4 axes`);
    const square = reduceSum(mul(x, x), [1], true);
    const norm = sqrt(stopGradient(square));
    return { tops: [withSlope(norm, square, div(constant(0.5), add(norm, constant(1e-9))))] };
  },
});
