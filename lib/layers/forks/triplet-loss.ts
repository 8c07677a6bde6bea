import { constant, count, sameShape, type Value } from "../../graph/index.js";
import { add, mul, reduceSum, relu, reshape, sub, sumAll } from "../../ops/index.js";
import { bottomText, computeLayer } from "../layer.js";

/**
 * TripletLoss: sum over triplets of w * max(margin + |a - p|^2 - |a - n|^2, 0) / 2n. Bottoms: anchors, positives and negatives
 * [n, ...] of one shape and, if given, weights w [n], which have no gradient; a scalar.
 */
export const TripletLoss = computeLayer({
  type: "TripletLoss",
  param: "triplet_loss_param",
  bottoms: [3, 4],
  tops: 1,
  noGradientTo: [3],
  loss: true,
  inference: { as: "prediction" },
  lower(site) {
    const [anchor, positive, negative, weights] = site.bottoms as [Value, Value, Value, Value | undefined];
    const { shape } = anchor.type;
    for (const i of [1, 2]) {
      if (sameShape(site.bottoms[i]!.type.shape, shape)) continue;
      throw site.bottomError(i, `${bottomText(site, i)} and ${bottomText(site, 0)} differ in shape`);
    }
    const n = shape[0]!;
    if (weights && count(weights.type.shape) !== n)
      throw site.bottomError(3, `${bottomText(site, 3)} is not a weight for each of ${n} triplets`);
    const squared = (a: Value, b: Value) => {
      const difference = reshape(sub(a, b), [n, count(shape, 1)]);
      return reduceSum(mul(difference, difference), [1]);
    };
    const apart = sub(squared(anchor, positive), squared(anchor, negative));
    const missing = relu(add(apart, constant(site.param.margin)));
    const counted = weights ? mul(missing, reshape(weights, [n])) : missing;
    return { tops: [mul(sumAll(counted), constant(0.5 / n))] };
  },
});
