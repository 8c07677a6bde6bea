import { constant, count, type Value } from "../../graph/index.js";
import { exp, logSoftmax, mul, neg, reshape, stopGradient, sumAll } from "../../ops/index.js";
import { secondLikeFirst } from "../implied.js";
import { canonicalAxis, computeLayer } from "../layer.js";
import { checkSameCount, normalizationMode, normalized, normalizer } from "../loss.js";
import { clampedLog } from "../slope.js";

/**
 * SoftmaxCrossEntropyLoss (distillation and mixup forks): -sum of t log(max(softmax(x), FLT_MIN)), t a probability for each class of
 * each prediction, divided as `loss_param` says. x and t [outer..., classes, inner...] with `softmax_param.axis`; the loss is a scalar, a
 * second top is softmax(x). The gradient is (softmax - t) / divisor, also where the log is clamped, as the authors have it: t is taken
 * to sum to 1. Forks that take t's own entropy off show a smaller loss and train alike. ignore_label counts for nothing.
 */
export const SoftmaxCrossEntropyLoss = computeLayer({
  type: "SoftmaxCrossEntropyLoss",
  param: "softmax_param",
  also: ["loss_param"],
  bottoms: 2,
  tops: [1, 2],
  noGradientTo: [1],
  loss: true,
  implies: secondLikeFirst,
  inference: { as: "prediction", layer: { type: "Softmax", param: "softmax_param" } },
  lower(site) {
    const [x, given] = site.bottoms as [Value, Value];
    checkSameCount(site);
    const { shape } = x.type;
    const axis = canonicalAxis(site, site.param.axis, shape.length);
    const [outer, inner] = [count(shape, 0, axis), count(shape, axis + 1)];
    const targets = stopGradient(reshape(given, shape));
    const logProb = logSoftmax(x, axis);
    const clamped = clampedLog(logProb);
    const by = normalizer(normalizationMode(site), outer, inner, constant(outer * inner));
    const loss = normalized(neg(sumAll(mul(targets, clamped))), by);
    return { tops: site.topCount > 1 ? [loss, stopGradient(exp(logProb))] : [loss] };
  },
});
