import { constant, count, sameShape, type Value } from "../../graph/index.js";
import {
  add,
  gather,
  less,
  mul,
  reduceSum,
  relu,
  reshape,
  stopGradient,
  sub,
  sumAll,
  where,
  withGradientOf,
} from "../../ops/index.js";
import { bottomText, computeLayer, type Site } from "../layer.js";
import { readLabels } from "../loss.js";

/**
 * TripletLoss: sum over triplets of w * max(margin + |a - p|^2 - |a - n|^2, 0) / 2n. Bottoms: anchors, positives and negatives
 * [n, ...] of one shape and, if given, weights w [n], which have no gradient; a scalar. Where there are several margins the fourth
 * bottom is labels instead, which say whose margin a triplet has. With `intriplet_mining` a negative that is nearer to the positive
 * counts by that distance; the gradient is the authors' then, of n and a as if a stood where p is. A second top is the loss of each
 * triplet [n].
 * Source: of one margin happynear/caffe-windows, of several and of mining zlthinker/caffe, triplet_loss_layer.cpp.
 */
export const TripletLoss = computeLayer({
  type: "TripletLoss",
  param: "triplet_loss_param",
  bottoms: [3, 4],
  tops: [1, 2],
  noGradientTo: [3],
  loss: true,
  inference: { as: "prediction" },
  labels: ({ triplet_loss_param: param }) =>
    param && param.margin.length > 1 ? { bottom: 3, classes: param.margin.length } : undefined,
  lower(site) {
    const [anchor, positive, negative, fourth] = site.bottoms as [Value, Value, Value, Value | undefined];
    const { shape } = anchor.type;
    for (const i of [1, 2]) {
      if (sameShape(site.bottoms[i]!.type.shape, shape)) continue;
      throw site.bottomError(i, `${bottomText(site, i)} and ${bottomText(site, 0)} differ in shape`);
    }
    const n = shape[0]!;
    const [margin = 1, ...others] = site.param.margin;
    const isLabelled = others.length > 0;
    if (isLabelled && !fourth) throw site.error("several margins need labels, a fourth bottom", "margin");
    if (fourth && count(fourth.type.shape) !== n)
      throw site.bottomError(
        3,
        `${bottomText(site, 3)} is not a ${isLabelled ? "label" : "weight"} for each of ${n} triplets`,
      );
    const difference = (a: Value, b: Value) => reshape(sub(a, b), [n, count(shape, 1)]);
    const near = squared(difference(anchor, positive));
    const far = site.param.intriplet_mining
      ? mined({ ofAnchor: difference(anchor, negative), ofPositive: difference(positive, negative) })
      : squared(difference(anchor, negative));
    const missing = relu(add(sub(near, far), isLabelled ? marginsOf(site, fourth!) : constant(margin)));
    const counted = fourth && !isLabelled ? mul(missing, reshape(fourth, [n])) : missing;
    const loss = mul(sumAll(counted), constant(0.5 / n));
    return { tops: site.topCount > 1 ? [loss, stopGradient(missing)] : [loss] };
  },
});

/** Squared lengths of rows [n, k]: [n]. */
const squared = (rows: Value) => reduceSum(mul(rows, rows), [1]);

/** The margin of each triplet [n], by its label. */
function marginsOf({ param }: Site<{ readonly margin: readonly number[] }>, labels: Value): Value {
  const all = constant(Float32Array.from(param.margin), [param.margin.length]);
  return gather(all, readLabels(reshape(labels, [count(labels.type.shape)]), param.margin.length).classes, 0);
}

/** Squared distances of negatives [n]: to the anchor, or to the positive where that is nearer, with the authors' gradient. */
function mined({ ofAnchor, ofPositive }: { readonly ofAnchor: Value; readonly ofPositive: Value }): Value {
  const [toAnchor, toPositive] = [squared(ofAnchor), squared(stopGradient(ofPositive))];
  const path = mul(reduceSum(mul(stopGradient(ofPositive), ofAnchor), [1]), constant(2));
  return where(less(stopGradient(toPositive), stopGradient(toAnchor)), withGradientOf(toPositive, path), toAnchor);
}
