import { sub as message } from "../caffe/message.js";
import { HingeLossParameter_Norm as Norm } from "../caffe/messages.js";
import { constant, count, type Value } from "../graph/index.js";
import { add, expand, mul, relu, reshape, scatterAdd, slice, sumAll } from "../ops/index.js";
import { onePerRow } from "./implied.js";
import { labelsAfterBatch } from "./labels.js";
import { computeLayer, legacyShape } from "./layer.js";
import { checkBatch, readLabels } from "./loss.js";

/**
 * HingeLoss: sum over entries and classes of max(0, 1 - t x)^p / n, t = 1 for the label's class and -1 for the others, p = 1 or
 * 2 (`norm`). x [n, classes...], labels [n, ...] of class numbers, of which the first n count; a scalar.
 */
export const HingeLoss = computeLayer({
  type: "HingeLoss",
  param: "hinge_loss_param",
  bottoms: 2,
  tops: 1,
  caffeMemory: () => ({ leavesInGradient: "max(0, 1 - t x), its margins" }),
  noGradientTo: [1],
  loss: true,
  implies: (_, shapeOf) => onePerRow(1, shapeOf),
  inference: { as: "prediction" },
  labels: (layer, shapeOf) => labelsAfterBatch(shapeOf, message(layer, "loss_param")),
  lower(site) {
    const [x, labels] = site.bottoms as [Value, Value];
    checkBatch(site);
    const [n] = legacyShape(site, 0);
    const classes = count(x.type.shape, 1);
    const { norm } = site.param;
    if (norm !== Norm.L1 && norm !== Norm.L2) throw site.error(`unknown norm ${norm}`, "norm");
    const first = slice(reshape(labels, [count(labels.type.shape)]), 0, 0, n);
    const index = reshape(readLabels(first, classes).classes, [n, 1]);
    const signs = scatterAdd(expand(constant(1), [n, classes]), index, expand(constant(-2), [n, 1]), 1);
    const margins = relu(add(mul(reshape(x, [n, classes]), signs), constant(1)));
    const sum = sumAll(norm === Norm.L1 ? margins : mul(margins, margins));
    return { tops: [mul(sum, constant(1 / n))] };
  },
});
