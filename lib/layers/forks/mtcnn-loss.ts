import { has, sub as message } from "../../caffe/message.js";
import { constant, count, type Value } from "../../graph/index.js";
import { cast, equal, mul, not, reshape, stopGradient, sub, sumAll, withGradientOf } from "../../ops/index.js";
import { bottomText, computeLayer } from "../layer.js";
import { checkBatch, checkSameCount, refuseSmoothing } from "../loss.js";

/**
 * MTCNNEuclideanLoss: sum of (a - b)^2 / 2n over the items, a and b [n, ...]. With `ignore_label` in loss_param a third bottom has a
 * label for each item, and items with that one count for nothing; the loss is then the sum, not divided by n, while its gradient is
 * divided by n, ignored items included.
 * Source: dlunion/CC4.0, mtcnn_euclidean_loss_layer.cpp.
 */
export const MTCNNEuclideanLoss = computeLayer({
  type: "MTCNNEuclideanLoss",
  param: "loss_param",
  bottoms: [2, 3],
  tops: 1,
  loss: true,
  noGradientTo: [2],
  implies: (_, shapeOf) => {
    const [a, b] = [shapeOf(0), shapeOf(1)];
    const known = a ?? b;
    return new Map(known ? [[0, known] as const, [1, known] as const, [2, [known[0]!]] as const] : []);
  },
  inference: { as: "prediction" },
  lower(site) {
    const [a, b, labels] = site.bottoms as [Value, Value, Value | undefined];
    const param = message(site.layer, "loss_param");
    refuseSmoothing(site);
    const ignores = has(param, "ignore_label");
    if (ignores !== (labels !== undefined))
      throw site.error(
        ignores ? "ignore_label needs labels, a third bottom" : "a third bottom goes with ignore_label",
        "bottom",
      );
    checkBatch(site);
    checkSameCount(site);
    const n = a.type.shape[0] ?? 1;
    const difference = sub(a, reshape(b, a.type.shape));
    const squares = mul(difference, difference);
    if (!labels) return { tops: [mul(sumAll(squares), constant(0.5 / n))] };
    if (count(labels.type.shape) !== n)
      throw site.bottomError(2, `${bottomText(site, 2)} is not a label for each item of ${bottomText(site, 0)}`);
    const isKept = cast(not(equal(stopGradient(labels), constant(param.ignore_label))), "float32");
    const kept = mul(reshape(squares, [n, count(a.type.shape, 1)]), reshape(isKept, [n, 1]));
    const half = mul(sumAll(kept), constant(0.5));
    return { tops: [withGradientOf(half, mul(half, constant(1 / n)))] };
  },
});
