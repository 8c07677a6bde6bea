import { has, sub as message } from "../caffe/message.js";
import type { InfogainLossParameter } from "../caffe/messages.js";
import { constant, count, type Value } from "../graph/index.js";
import { exp, gather, logSoftmax, max, mul, neg, reshape, stopGradient, sumAll, transpose } from "../ops/index.js";
import { labelsFor } from "./implied.js";
import { labelsAlong } from "./labels.js";
import { canonicalAxis, computeLayer, type Site } from "./layer.js";
import { checkBatch, counting, normalizationMode, normalized, normalizer, predictions, readLabels } from "./loss.js";
import { LOG_THRESHOLD } from "./multinomial-logistic-loss.js";
import { passThrough } from "./slope.js";

/**
 * InfogainLoss: -sum over entries and classes k of H[label, k] log(max(softmax(x)[k], 1e-20)), divided as `loss_param` says.
 * x [outer..., classes, inner...] along `axis`, labels of class numbers, one for each prediction and with x's first axis; H has
 * classes^2 entries, from a third bottom or from the BlobProto file `source`. A scalar; a second top is softmax(x).
 * The gradient is (sum of H's row * softmax - H's row) / normalizer also where the log is clamped; H and the
 * second top have none.
 */
export const InfogainLoss = computeLayer({
  type: "InfogainLoss",
  param: "infogain_loss_param",
  also: ["loss_param"],
  bottoms: [2, 3],
  tops: [1, 2],
  noGradientTo: [1, 2],
  loss: true,
  topShapes: ({ top }, shapeOf) => top.map((_, i) => (i === 0 ? [] : shapeOf(0))),
  implies: (layer, shapeOf) => labelsFor(message(layer, "infogain_loss_param").axis, shapeOf),
  inference: { as: "prediction", layer: { type: "Softmax", param: "softmax_param" } },
  labels: (layer, shapeOf) =>
    labelsAlong(message(layer, "infogain_loss_param").axis, shapeOf, message(layer, "loss_param")),
  sources({ bottom, infogain_loss_param: param }) {
    return bottom.length < 3 && param && has(param, "source") ? [param.source] : [];
  },
  lower(site) {
    const [x, labels] = site.bottoms as [Value, Value];
    const { shape } = x.type;
    checkBatch(site);
    const axis = canonicalAxis(site, site.param.axis, shape.length);
    const { outer, classes, inner } = predictions(site, axis);
    const lossParam = message(site.layer, "loss_param");
    if (has(lossParam, "normalize")) {
      throw site.error("normalize is not for InfogainLoss", "loss_param", ['use "normalization"']);
    }
    const read = readLabels(labels, classes, lossParam);
    const scores = reshape(x, [outer, classes, inner]);
    const kept = read.kept && reshape(read.kept, [outer, 1, inner]);
    const logProb = logSoftmax(counting(scores, kept), 1);
    const rows = gather(infogain(site, classes), reshape(read.classes, [outer, inner]), 0);
    const clamped = passThrough(max(logProb, constant(Math.log(LOG_THRESHOLD))), logProb);
    const each = mul(transpose(rows, [0, 2, 1]), clamped);
    const counted = kept ? mul(each, kept) : each;
    const by = normalizer(normalizationMode(site), outer, inner, read.valid);
    const loss = normalized(neg(sumAll(counted)), by);
    return {
      tops:
        site.topCount > 1 ? [loss, stopGradient(exp(reshape(kept ? logSoftmax(scores, 1) : logProb, shape)))] : [loss],
    };
  },
});

/** H as a matrix. */
function infogain(site: Site<InfogainLossParameter>, classes: number): Value {
  const square = [classes, classes];
  const { bottoms, param } = site;
  const wrong = (shape: readonly number[]) =>
    `the infogain matrix [${shape}] does not have ${classes} x ${classes} entries, one for each pair of classes`;
  if (bottoms[2]) {
    const { shape } = bottoms[2].type;
    if (count(shape) !== classes * classes) throw site.bottomError(2, wrong(shape));
    return stopGradient(reshape(bottoms[2], square));
  }
  if (!has(param, "source")) {
    throw site.error("the infogain matrix is missing", "source", [
      "give it as source: a BlobProto file, or as a third bottom",
    ]);
  }
  const { shape, data } = site.source(param.source);
  if (data.length !== classes * classes) throw site.error(wrong(shape), "source");
  return constant(data, square);
}
