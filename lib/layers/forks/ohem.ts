import { sub as message } from "../../caffe/message.js";
import { arange, constant, count, sameShape, type Value } from "../../graph/index.js";
import {
  abs,
  and,
  cast,
  equal,
  exp,
  gatherElements,
  greater,
  less,
  logSoftmax,
  mul,
  neg,
  not,
  reduceSum,
  reshape,
  slice,
  stopGradient,
  sub,
  sumAll,
  where,
} from "../../ops/index.js";
import { labelsAlong } from "../labels.js";
import { bottomText, canonicalAxis, computeLayer, legacyShape } from "../layer.js";
import { checkBatch, counting, normalizationMode, normalized, normalizer, predictions, readLabels } from "../loss.js";
import { clampedLog } from "../slope.js";

/**
 * SmoothL1LossOHEM (R-FCN): sum of f(w * (x - t)), f(d) = d^2 / 2 for |d| < 1, else |d| - 1/2, divided as `loss_param` says, by places
 * where by none. Bottoms x, t and, if given, weights w, [n, c, h, w], where axes of 1 at the end may be missing; a scalar. A second top,
 * which has no gradient, is the sum of each place [n, 1, h, w].
 */
export const SmoothL1LossOHEM = computeLayer({
  type: "SmoothL1LossOHEM",
  param: "loss_param",
  bottoms: [2, 3],
  tops: [1, 2],
  loss: true,
  inference: { as: "prediction" },
  lower(site) {
    const shape = legacyShape(site, 0);
    // Targets of regions are [n, c], predictions by pooling [n, c, 1, 1].
    const [x, target, weights] = site.bottoms.map((value, i) => {
      if (sameShape(legacyShape(site, i), shape)) return reshape(value, shape);
      throw site.bottomError(i, `${bottomText(site, i)} and ${bottomText(site, 0)} differ in shape`);
    }) as [Value, Value, Value | undefined];
    const [n, c, h, w] = shape;
    const d = weights ? mul(sub(x, target), weights) : sub(x, target);
    const size = abs(d);
    const each = where(less(size, constant(1)), mul(mul(d, d), constant(0.5)), sub(size, constant(0.5)));
    const by = normalizer(normalizationMode(site), n, h * w, constant(n * h * w));
    const places = reshape(reduceSum(reshape(stopGradient(each), [n, c, h * w]), [1]), [n, 1, h, w]);
    return { tops: [normalized(sumAll(each), by), places].slice(0, site.topCount) };
  },
});

/**
 * SoftmaxWithLossOHEM (R-FCN): SoftmaxWithLoss whose third top is the loss of each prediction [n, 1, h, w], 0 where the label is
 * ignored. The second and third tops have no gradient.
 */
export const SoftmaxWithLossOHEM = computeLayer({
  type: "SoftmaxWithLossOHEM",
  param: "softmax_param",
  also: ["loss_param"],
  bottoms: 2,
  tops: [1, 3],
  noGradientTo: [1],
  loss: true,
  inference: { as: "prediction", layer: { type: "Softmax", param: "softmax_param" } },
  labels: (layer, shapeOf) => labelsAlong(message(layer, "softmax_param").axis, shapeOf, message(layer, "loss_param")),
  lower(site) {
    const [x, labels] = site.bottoms as [Value, Value];
    checkBatch(site);
    const { shape } = x.type;
    const { axis, outer, classes, inner } = predictions(site, canonicalAxis(site, site.param.axis, shape.length));
    const read = readLabels(labels, classes, message(site.layer, "loss_param"));
    const places = [...shape.slice(0, axis), 1, ...shape.slice(axis + 1)];
    const kept = read.kept && reshape(read.kept, places);
    const logProb = logSoftmax(counting(x, kept), axis);
    const picked = gatherElements(logProb, reshape(read.classes, places), axis);
    const clamped = neg(clampedLog(picked));
    const each = kept ? mul(clamped, kept) : clamped;
    const by = normalizer(normalizationMode(site), outer, inner, read.valid);
    const prob = stopGradient(exp(logSoftmax(x, axis)));
    const [n, , h, w] = legacyShape(site, 0);
    const perPlace = () => {
      if (axis !== 1) throw site.error("with a third top classes are along axis 1", "axis");
      return reshape(stopGradient(each), [n, 1, h, w]);
    };
    const loss = normalized(sumAll(each), by);
    return { tops: site.topCount > 2 ? [loss, prob, perPlace()] : [loss, prob].slice(0, site.topCount) };
  },
});

/**
 * BoxAnnotatorOHEM (R-FCN): keeps the `roi_per_img` boxes of the greatest loss of each image. Bottoms: boxes [r, 5] of (item, ...),
 * losses, labels and weights [r, c], of [.., 1, 1]; tops: labels, `ignore_label` where not kept, and weights, 0 there. No gradient.
 */
export const BoxAnnotatorOHEM = computeLayer({
  type: "BoxAnnotatorOHEM",
  param: "box_annotator_ohem_param",
  bottoms: 4,
  tops: 2,
  makesTargets: true,
  lower(site) {
    const { param } = site;
    if (param.roi_per_img === 0) throw site.error("roi_per_img must be greater than 0", "roi_per_img");
    const r = site.bottoms[0]!.type.shape[0]!;
    [5, 1, 1].forEach((columns, i) => {
      if (count(site.bottoms[i]!.type.shape) === r * columns) return;
      throw site.bottomError(i, `${bottomText(site, i)} is not ${columns} for each of ${r} boxes`);
    });
    const weights = legacyShape(site, 3);
    if (weights[0] !== r || weights[2] * weights[3] !== 1)
      throw site.bottomError(3, `${bottomText(site, 3)} are not weights for each of ${r} boxes`);
    const [boxes, losses, labels, own] = site.bottoms.map(stopGradient) as [Value, Value, Value, Value];
    const item = slice(reshape(boxes, [r, 5]), 1, 0, 1);
    const loss = reshape(losses, [r, 1]);
    const [others, otherItems] = [reshape(loss, [1, r]), reshape(item, [1, r])];
    const index = (shape: readonly number[]) => arange(r, shape);
    const earlier = and(equal(others, loss), less(index([1, r]), index([r, 1])));
    const better = not(and(not(greater(others, loss)), not(earlier)));
    const rank = reduceSum(cast(and(better, equal(otherItems, item)), "float32"), [1]);
    const kept = less(rank, constant(param.roi_per_img));
    const chosen = where(kept, reshape(labels, [r]), constant(param.ignore_label));
    const mask = reshape(cast(kept, "float32"), [r, 1, 1, 1]);
    return { tops: [reshape(chosen, [r, 1, 1, 1]), mul(reshape(own, weights), mask)] };
  },
});
