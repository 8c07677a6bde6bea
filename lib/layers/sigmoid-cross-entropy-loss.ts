import { sub as message } from "../caffe/message.js";
import { LossParameter_NormalizationMode as Mode } from "../caffe/messages.js";
import { count, type Value } from "../graph/index.js";
import { mul, reshape, softplus, stopGradient, sub, sumAll } from "../ops/index.js";
import { alike } from "./implied.js";
import { computeLayer } from "./layer.js";
import {
  checkBatch,
  checkSameCount,
  counting,
  keptEntries,
  normalizationMode,
  normalized,
  normalizer,
} from "./loss.js";

/**
 * SigmoidCrossEntropyLoss: sum of log(1 + e^x) - t x, which is -t log(s) - (1 - t) log(1 - s) for s = sigmoid(x), divided as
 * `loss_param` says, here by the batch size unless it says otherwise. x and targets t (usually in [0, 1]) [n, ...] of equal
 * counts; a scalar. Targets whose whole part is `ignore_label` do not count. The gradient is (s - t) / normalizer.
 */
export const SigmoidCrossEntropyLoss = computeLayer({
  type: "SigmoidCrossEntropyLoss",
  param: null,
  also: ["loss_param"],
  bottoms: 2,
  tops: 1,
  noGradientTo: [1],
  loss: true,
  implies: alike,
  inference: { as: "prediction", layer: { type: "Sigmoid" } },
  lower(site) {
    const [x, targets] = site.bottoms as [Value, Value];
    const { shape } = x.type;
    checkBatch(site);
    checkSameCount(site);
    const t = reshape(stopGradient(targets), shape);
    const { kept, valid } = keptEntries(t, message(site.layer, "loss_param"));
    const scores = counting(x, kept);
    const each = sub(softplus(scores), mul(scores, t));
    const sum = sumAll(kept ? mul(each, kept) : each);
    const by = normalizer(normalizationMode(site, Mode.BATCH_SIZE), shape[0]!, count(shape, 1), valid);
    return { tops: [normalized(sum, by)] };
  },
});
