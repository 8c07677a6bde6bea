import { sub as message } from "../../caffe/message.js";
import { constant, count, type Value } from "../../graph/index.js";
import { add, greater, mul, reshape, stopGradient, sub, where } from "../../ops/index.js";
import { oneHot } from "../indices.js";
import { labelsAfterBatch } from "../labels.js";
import { computeLayer } from "../layer.js";
import { checkBatch, checkOnePerEntry, readLabels } from "../loss.js";
import { passFirst } from "./pass-first.js";

/**
 * LabelSpecificRescale (NormFace): the label's entry of each row times `positive_weight` (+ 1 - positive_weight with `bias_fix`),
 * with `for_ip` only where it is above 0, and the others times `negative_weight`; y = x in TEST unless `rescale_test`.
 * x [n, classes...], labels [n].
 */
export const LabelSpecificRescale = computeLayer({
  type: "LabelSpecificRescale",
  param: "label_specific_rescale_param",
  bottoms: 2,
  tops: 1,
  noGradientTo: [1],
  labels: (layer, shapeOf) => labelsAfterBatch(shapeOf, message(layer, "loss_param")),
  inference: { as: "layer", of: passFirst },
  lower(site) {
    const { param, phase } = site;
    const [x, labels] = site.bottoms as [Value, Value];
    checkBatch(site);
    checkOnePerEntry(site, 1);
    if (phase === "TEST" && !param.rescale_test) return { tops: [x] };
    const { shape } = x.type;
    const classes = count(shape, 1);
    const rows = reshape(x, [shape[0]!, classes]);
    const isLabel = oneHot(readLabels(reshape(labels, [shape[0]!]), classes).classes, classes);
    const scaled = mul(rows, constant(param.positive_weight));
    const positive = param.bias_fix ? add(scaled, constant(1 - param.positive_weight)) : scaled;
    const own = param.for_ip ? where(greater(stopGradient(rows), constant(0)), positive, rows) : positive;
    const others = mul(rows, constant(param.negative_weight));
    return { tops: [reshape(add(mul(own, isLabel), mul(others, sub(constant(1), isLabel))), shape)] };
  },
});
