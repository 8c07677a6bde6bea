import { constant, type Value } from "../graph/index.js";
import { mul, reshape, sub, sumAll } from "../ops/index.js";
import { alike } from "./implied.js";
import { computeLayer, legacyShape } from "./layer.js";
import { checkBatch, checkSameCount } from "./loss.js";

/** EuclideanLoss: sum of (a - b)^2 / 2n. a and b [n, ...] of equal counts; a scalar. Both bottoms have gradients. */
export const EuclideanLoss = computeLayer({
  type: "EuclideanLoss",
  param: null,
  bottoms: 2,
  tops: 1,
  loss: true,
  implies: alike,
  inference: { as: "prediction" },
  lower(site) {
    const [a, b] = site.bottoms as [Value, Value];
    checkBatch(site);
    const [n] = legacyShape(site, 0);
    checkSameCount(site);
    const difference = sub(a, reshape(b, a.type.shape));
    return { tops: [mul(sumAll(mul(difference, difference)), constant(0.5 / n))] };
  },
});
