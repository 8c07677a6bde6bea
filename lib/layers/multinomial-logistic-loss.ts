import { sub as message } from "../caffe/message.js";
import { constant, count, type Value } from "../graph/index.js";
import { gatherElements, log, max, mul, reshape, sumAll } from "../ops/index.js";
import { onePerRow } from "./implied.js";
import { labelsAfterBatch } from "./labels.js";
import { computeLayer, legacyShape } from "./layer.js";
import { checkBatch, checkOnePerEntry, readLabels } from "./loss.js";
import { passThrough } from "./slope.js";

/** The least probability that Caffe takes a log of. */
export const LOG_THRESHOLD = 1e-20;

/**
 * MultinomialLogisticLoss: -sum of log(max(p[label], 1e-20)) / n. p [n, classes...] of probabilities, labels [n] of class
 * numbers; a scalar. The gradient is -1 / (n max(p, 1e-20)) also where p is clamped.
 */
export const MultinomialLogisticLoss = computeLayer({
  type: "MultinomialLogisticLoss",
  param: null,
  bottoms: 2,
  tops: 1,
  noGradientTo: [1],
  loss: true,
  implies: (_, shapeOf) => onePerRow(1, shapeOf),
  inference: { as: "prediction" },
  labels: (layer, shapeOf) => labelsAfterBatch(shapeOf, message(layer, "loss_param")),
  lower(site) {
    const [p, labels] = site.bottoms as [Value, Value];
    checkBatch(site);
    checkOnePerEntry(site, 1);
    const [n] = legacyShape(site, 0);
    const classes = count(p.type.shape, 1);
    const index = reshape(readLabels(labels, classes).classes, [n, 1]);
    const picked = gatherElements(reshape(p, [n, classes]), index, 1);
    const clamped = passThrough(max(picked, constant(LOG_THRESHOLD)), picked);
    return { tops: [mul(sumAll(log(clamped)), constant(-1 / n))] };
  },
});
