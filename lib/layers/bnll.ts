import { constant } from "../graph/index.js";
import { abs, add, exp, log, neg, relu, sigmoid } from "../ops/index.js";
import { computeLayer } from "./layer.js";
import { withSlope } from "./slope.js";

/**
 * BNLL, binomial normal log likelihood: y = log(1 + exp(x)), element by element, as max(x, 0) + log(1 + exp(-|x|)) so that
 * nothing overflows. Its slope is the sigmoid of x; the sum's own would be 0 at x = 0, where its two parts have a kink.
 */
export const BNLL = computeLayer({
  type: "BNLL",
  param: null,
  bottoms: 1,
  tops: 1,
  caffeMemory: () => ({
    inPlace: { differs: "gradients", gives: "Caffe takes the sigmoid of the top in place of the bottom's" },
  }),
  sees: "place",
  lower({ bottoms }) {
    const x = bottoms[0]!;
    const y = add(relu(x), log(add(exp(neg(abs(x))), constant(1))));
    return { tops: [withSlope(y, x, sigmoid(x))] };
  },
});
