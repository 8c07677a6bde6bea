import { sub as message } from "../../caffe/message.js";
import { constant, type Value } from "../../graph/index.js";
import { exp, gatherElements, logSoftmax, mul, neg, pow, reshape, sub, sumAll } from "../../ops/index.js";
import { labelsAlong } from "../labels.js";
import { type ComputeLayer, canonicalAxis, computeLayer } from "../layer.js";
import { checkBatch, counting, normalizationMode, normalized, normalizer, predictions, readLabels } from "../loss.js";
import { clampedLog } from "../slope.js";

/**
 * FocalLoss: sum of -alpha (1 - p)^gamma log(p) over predictions, p = softmax(x)[label], divided as `loss_param` says. Bottoms and
 * axis as those of SoftmaxWithLoss; a second top is softmax(x).
 */
const focal = (type: string): ComputeLayer =>
  computeLayer({
    type,
    param: "focal_loss_param",
    also: ["softmax_param", "loss_param"],
    bottoms: 2,
    tops: [1, 2],
    noGradientTo: [1],
    loss: true,
    inference: { as: "prediction", layer: { type: "Softmax", param: "softmax_param" } },
    labels: (layer, shapeOf) =>
      labelsAlong(message(layer, "softmax_param").axis, shapeOf, message(layer, "loss_param")),
    lower(site) {
      const { alpha, gamma } = site.param;
      const [x, labels] = site.bottoms as [Value, Value];
      const { shape } = x.type;
      checkBatch(site);
      const along = message(site.layer, "softmax_param").axis;
      const { axis, outer, classes, inner } = predictions(site, canonicalAxis(site, along, shape.length));
      const read = readLabels(labels, classes, message(site.layer, "loss_param"));
      const places = [...shape.slice(0, axis), 1, ...shape.slice(axis + 1)];
      const kept = read.kept && reshape(read.kept, places);
      const logProb = logSoftmax(counting(x, kept), axis);
      const picked = gatherElements(logProb, reshape(read.classes, places), axis);
      const logOfLabel = clampedLog(picked);
      const missing = sub(constant(1), exp(picked));
      const each = mul(pow(missing, constant(gamma)), logOfLabel);
      const by = normalizer(normalizationMode(site), outer, inner, read.valid);
      const loss = normalized(mul(neg(sumAll(kept ? mul(each, kept) : each)), constant(alpha)), by);
      return { tops: site.topCount > 1 ? [loss, exp(logProb)] : [loss] };
    },
  });

/** FocalLoss under its two names. */
export const FocalLoss = focal("FocalLoss");
export const SoftmaxFocalLoss = focal("SoftmaxFocalLoss");
