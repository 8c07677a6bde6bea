import { sub } from "../../caffe/message.js";
import { constant, count, type Value } from "../../graph/index.js";
import { add, cast, greater, mul, reshape, stopGradient } from "../../ops/index.js";
import { oneHot } from "../indices.js";
import { labelsAfterBatch } from "../labels.js";
import { computeLayer } from "../layer.js";
import { checkBatch, checkOnePerEntry, readLabels } from "../loss.js";
import { passFirst } from "./pass-first.js";

/**
 * LabelSpecificAdd (AM-softmax): `bias` added to the label's entry of each row where that is above -bias, in TRAIN; y = x in TEST.
 * x [n, classes...], labels [n]. The gradient is that of x. `transform_test` has no effect: the fork requires TRAIN beside it.
 */
export const LabelSpecificAdd = computeLayer({
  type: "LabelSpecificAdd",
  param: "label_specific_add_param",
  bottoms: 2,
  tops: 1,
  noGradientTo: [1],
  labels: (layer, shapeOf) => labelsAfterBatch(shapeOf, sub(layer, "loss_param")),
  inference: { as: "layer", of: passFirst },
  lower(site) {
    const { param, phase } = site;
    const [x, labels] = site.bottoms as [Value, Value];
    checkBatch(site);
    checkOnePerEntry(site, 1);
    if (phase === "TEST") return { tops: [x] };
    const { shape } = x.type;
    const classes = count(shape, 1);
    const rows = reshape(x, [shape[0]!, classes]);
    const isLabel = oneHot(readLabels(reshape(labels, [shape[0]!]), classes).classes, classes);
    const above = cast(greater(stopGradient(rows), constant(-param.bias)), "float32");
    return { tops: [reshape(add(rows, mul(mul(isLabel, above), constant(param.bias))), shape)] };
  },
});
