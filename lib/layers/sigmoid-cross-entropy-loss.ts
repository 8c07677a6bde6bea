import { sub as message } from "../caffe/message.js";
import { LossParameter_NormalizationMode as Mode } from "../caffe/messages.js";
import { constant, count, type Value } from "../graph/index.js";
import {
  add,
  cast,
  div,
  equal,
  max,
  mul,
  reduceSum,
  reshape,
  softplus,
  stopGradient,
  sub,
  sumAll,
} from "../ops/index.js";
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
 *
 * With `class_balanced` (HED, whose layer has it always) an entry of target 1 counts as the share of 0 among the item's targets of 0 and 1, an entry of
 * target 0 as the share of 1, and others not at all; their gradient too, which HED's layer takes over without a weight. Source: s9xie/hed.
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
    const param = message(site.layer, "loss_param");
    const { kept, valid } = keptEntries(t, param);
    const scores = counting(x, kept);
    const each = sub(softplus(scores), mul(scores, t));
    const counted = kept ? mul(each, kept) : each;
    const sum = sumAll(param.class_balanced ? mul(counted, balance(t, kept)) : counted);
    const by = normalizer(normalizationMode(site, Mode.BATCH_SIZE), shape[0]!, count(shape, 1), valid);
    return { tops: [normalized(sum, by)] };
  },
});

/** Weights of entries by the rarity of their class in their item: targets [n, ...] of 0 and 1, others weigh 0; a mask of those that count. */
function balance(t: Value, kept: Value | undefined): Value {
  const n = t.type.shape[0]!;
  const flat = reshape(t, [n, count(t.type.shape, 1)]);
  const flags = (target: number) => {
    const found = cast(equal(flat, constant(target)), "float32");
    return kept ? mul(found, reshape(kept, flat.type.shape)) : found;
  };
  const [ones, zeros] = [flags(1), flags(0)] as const;
  const [many, few] = [ones, zeros].map((each) => reduceSum(each, [1], true)) as [Value, Value];
  const all = max(add(many, few), constant(1));
  return reshape(add(mul(ones, div(few, all)), mul(zeros, div(many, all))), t.type.shape);
}
