import { has, sub as message } from "../../caffe/message.js";
import { constant, count, type Value } from "../../graph/index.js";
import {
  abs,
  add,
  and,
  cast,
  clip,
  concat,
  div,
  greater,
  less,
  mul,
  relu,
  reshape,
  stopGradient,
  sub,
  sumAll,
  where,
  withGradientOf,
} from "../../ops/index.js";
import { onePerRow } from "../implied.js";
import { oneHot } from "../indices.js";
import { labelsAfterBatch } from "../labels.js";
import { bottomText, computeLayer } from "../layer.js";
import { checkBatch, checkOnePerEntry, readLabels } from "../loss.js";

/**
 * GeneralContrastiveLoss (NormFace): of distances x [n, classes...] to agents of the classes and labels [n], the mean over rows of
 * positive_weight min(max(x - positive_margin, 0), positive_outlier_thresh) at the label's entry and the sum of
 * negative_weight max(negative_margin - x, 0) at the others; a scalar. A second top [2] is the mean of both without weights. The
 * gradient is the authors': at the label positive_weight where x is between positive_margin and positive_outlier_thresh; with
 * `normalize_negative` others are divided by their mean sum of a row / normalize_negative, where that is above positive_weight; a third
 * bottom [n] weighs rows by their share of its mean.
 * Source: happynear/caffe-windows, general_constrastive_loss_layer.cpp.
 */
export const GeneralContrastiveLoss = computeLayer({
  type: "GeneralContrastiveLoss",
  param: "general_contrastive_loss_param",
  bottoms: [2, 3],
  tops: [1, 2],
  noGradientTo: [1, 2],
  loss: true,
  implies: (_, shapeOf) => onePerRow(1, shapeOf),
  inference: { as: "prediction" },
  labels: (layer, shapeOf) => labelsAfterBatch(shapeOf, message(layer, "loss_param")),
  lower(site) {
    const { param } = site;
    const [x, labels, weights] = site.bottoms as [Value, Value, Value | undefined];
    checkBatch(site);
    checkOnePerEntry(site, 1);
    const [n, classes] = [x.type.shape[0]!, count(x.type.shape, 1)];
    if (weights && count(weights.type.shape) !== n)
      throw site.bottomError(2, `${bottomText(site, 2)} is not a weight for each of ${n} rows`);
    const rows = reshape(x, [n, classes]);
    const isLabel = greater(oneHot(readLabels(reshape(labels, [n]), classes).classes, classes), constant(0));
    const { positive_margin: inner, positive_outlier_thresh: most, negative_margin: outer } = param;
    const own = where(isLabel, clip(sub(rows, constant(inner)), 0, most), constant(0));
    const others = where(isLabel, constant(0), relu(sub(constant(outer), rows)));
    const weighed = add(mul(own, constant(param.positive_weight)), mul(others, constant(param.negative_weight)));
    const loss = mul(sumAll(abs(weighed)), constant(1 / n));
    const counts = and(greater(rows, constant(inner)), less(rows, constant(most)));
    const mask = (which: Value) => cast(which, "float32");
    const near = mul(mask(less(rows, constant(outer))), where(isLabel, constant(0), constant(param.negative_weight)));
    const negative = has(param, "normalize_negative")
      ? scaled(near, param.positive_weight, param.normalize_negative)
      : near;
    const slopes = sub(where(isLabel, mul(mask(counts), constant(param.positive_weight)), constant(0)), negative);
    const shares = weights && div(reshape(weights, [n, 1]), mul(sumAll(weights), constant(1 / n)));
    const factor = stopGradient(shares ? mul(slopes, shares) : slopes);
    const path = mul(sumAll(mul(rows, factor)), constant(1 / n));
    const tops = [withGradientOf(stopGradient(loss), path)];
    if (site.topCount === 1) return { tops };
    const mean = (values: Value, by: number) => reshape(mul(sumAll(values), constant(1 / by)), [1]);
    return { tops: [...tops, stopGradient(concat([mean(own, n), mean(others, n * (classes - 1))], 0))] };
  },
});

/** Slopes of negatives [n, classes], divided by their mean sum of a row / `norm` where that is above `least`. */
function scaled(slopes: Value, least: number, norm: number): Value {
  const n = slopes.type.shape[0]!;
  const sum = mul(abs(sumAll(slopes)), constant(1 / norm / n));
  return where(greater(sum, constant(least)), div(slopes, sum), slopes);
}
