import { sub as message } from "../caffe/message.js";
import { constant, type Value } from "../graph/index.js";
import {
  add,
  exp,
  gather,
  gatherElements,
  logSoftmax,
  mul,
  neg,
  reduceSum,
  reshape,
  stopGradient,
  sumAll,
  withGradientOf,
} from "../ops/index.js";
import { labelsFor } from "./implied.js";
import { labelsAlong } from "./labels.js";
import { canonicalAxis, computeLayer, type Site } from "./layer.js";
import { checkBatch, counting, normalizationMode, normalized, normalizer, predictions, readLabels } from "./loss.js";
import { clampedLog } from "./slope.js";

/**
 * SoftmaxWithLoss: -sum of log(max(softmax(x)[label], FLT_MIN)) over batch and spatial entries, divided as `loss_param` says.
 * x [outer..., classes, inner...] with `softmax_param.axis`, labels of class numbers, one for each prediction and with x's first
 * axis; the loss is a scalar, a second top is softmax(x).
 * The gradient is (softmax - one-hot) / normalizer also where the log is clamped; ignored labels give none,
 * and the second top neither: what is done with it is not trained on. With weight_by_label_freqs (SegNet) a prediction counts as the
 * `class_weighting` of its label; the sum is divided as without. With label_smoothing (Intel) the gradient is that of other targets.
 */
export const SoftmaxWithLoss = computeLayer({
  type: "SoftmaxWithLoss",
  param: "softmax_param",
  also: ["loss_param"],
  bottoms: 2,
  tops: [1, 2],
  caffeMemory: () => ({ readsBottom: "nothing" }),
  noGradientTo: [1],
  loss: true,
  implies: (layer, shapeOf) => labelsFor(message(layer, "softmax_param").axis, shapeOf),
  inference: { as: "prediction", layer: { type: "Softmax", param: "softmax_param" } },
  labels: (layer, shapeOf) => labelsAlong(message(layer, "softmax_param").axis, shapeOf, message(layer, "loss_param")),
  lower(site) {
    const [x, labels] = site.bottoms as [Value, Value];
    const { shape } = x.type;
    checkBatch(site);
    const { axis, outer, classes, inner } = predictions(site, canonicalAxis(site, site.param.axis, shape.length));
    const read = readLabels(labels, classes, message(site.layer, "loss_param"));
    const places = [...shape.slice(0, axis), 1, ...shape.slice(axis + 1)];
    const kept = read.kept && reshape(read.kept, places);
    const logProb = logSoftmax(counting(x, kept), axis);
    const picked = gatherElements(logProb, reshape(read.classes, places), axis);
    const clamped = clampedLog(picked);
    const counted = weighted(site, kept ? mul(clamped, kept) : clamped, reshape(read.classes, places), classes);
    const by = normalizer(normalizationMode(site, undefined, true), outer, inner, read.valid);
    const smoothed = smoothing(site, { counted, logProb, kept, axis, classes, inner });
    const loss = normalized(neg(sumAll(smoothed)), by);
    return { tops: site.topCount > 1 ? [loss, stopGradient(exp(kept ? logSoftmax(x, axis) : logProb))] : [loss] };
  },
});

/** Predictions' logarithms, and what they are along the classes. */
interface Smoothed {
  /** Of the labels, as the loss sums them. */
  readonly counted: Value;
  /** Of all classes. */
  readonly logProb: Value;
  readonly kept: Value | undefined;
  readonly axis: number;
  readonly classes: number;
  readonly inner: number;
}

/**
 * Intel's label_smoothing s: the loss stays that of the label, and its gradient is that of probabilities of 1 - s for the label and
 * s / classes for each other class. Source: intel/caffe, softmax_loss_layer.cpp.
 */
function smoothing(site: Site<unknown>, { counted, logProb, kept, axis, classes, inner }: Smoothed): Value {
  const { label_smoothing: share, weight_by_label_freqs } = message(site.layer, "loss_param");
  if (share === 0) return counted;
  if (!(share > 0 && share < 1)) throw site.error(`label_smoothing ${share} is not in [0, 1)`, "loss_param");
  if (inner > 1 || weight_by_label_freqs)
    throw site.error("label_smoothing is for one prediction an item, without weights of classes", "loss_param", [
      "for several the fork spreads it over all of their classes together",
    ]);
  const each = share / classes;
  const sums = reduceSum(kept ? mul(logProb, kept) : logProb, [axis], true);
  return withGradientOf(counted, add(mul(counted, constant(1 - share - each)), mul(sums, constant(each))));
}

/** The losses of predictions, times the weights of their labels' classes where there are some. */
function weighted(site: Site<unknown>, losses: Value, labels: Value, classes: number): Value {
  const { weight_by_label_freqs, class_weighting: weights } = message(site.layer, "loss_param");
  if (!weight_by_label_freqs) return losses;
  if (weights.length !== classes)
    throw site.error(`${weights.length} class_weighting for ${classes} classes`, "loss_param");
  return mul(losses, gather(constant(Float32Array.from(weights), [classes]), labels, 0));
}
