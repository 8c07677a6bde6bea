import { sub } from "../caffe/message.js";
import type { AccuracyParameter } from "../caffe/messages.js";
import { constant, constantOf, count, type Value } from "../graph/index.js";
import {
  and,
  cast,
  div,
  equal,
  gatherElements,
  greater,
  greaterOrEqual,
  less,
  max,
  mul,
  reduceSum,
  reshape,
  stopGradient,
  sumAll,
  where,
} from "../ops/index.js";
import { labelsFor } from "./implied.js";
import { labelsAlong } from "./labels.js";
import { indicesOf } from "./indices.js";
import { canonicalAxis, computeLayer } from "./layer.js";
import { keptEntries, type Labels, predictions, readLabels } from "./loss.js";

/**
 * Accuracy: the share of predictions whose label is among the `top_k` best; 0 where all are ignored.
 * x [outer..., classes, inner...] along `axis`, labels of class numbers, one for each prediction; a scalar. A second top is the
 * share for each class [classes], 0 for classes that do not occur.
 * Of maps (inner places), a label that is no class is a wrong prediction, of none of the classes, as in SegNet's Caffe: nets of CamVid ignore the
 * label of what is unknown in their losses alone. Of single rows it is an error.
 * A prediction counts where fewer than top_k other classes score as high as the label's or higher: ties count against it.
 * With `min_is_better` (caffe-windows) entries are distances, and the smallest is the prediction.
 * With a `denominator` (LRCN) it is their number divided by that. No gradient.
 */
export const Accuracy = computeLayer({
  type: "Accuracy",
  param: "accuracy_param",
  bottoms: 2,
  tops: [1, 2],
  noGradientTo: [0, 1],
  score: true,
  implies: (layer, shapeOf) => labelsFor(sub(layer, "accuracy_param").axis, shapeOf),
  inference: { as: "nothing" },
  labels: (layer, shapeOf) => {
    const param = sub(layer, "accuracy_param");
    const isMap = count(shapeOf(0)) > count(shapeOf(0).slice(0, 1)) * (shapeOf(0).at(param.axis) ?? 1);
    return isMap ? undefined : labelsAlong(param.axis, shapeOf, param);
  },
  lower(site) {
    const { param } = site;
    const [x, labels] = site.bottoms as [Value, Value];
    const axis = canonicalAxis(site, param.axis, x.type.shape.length);
    const { outer, classes, inner } = predictions(site, axis);
    if (param.top_k > classes) {
      throw site.error(`top_k ${param.top_k} is more than the ${classes} classes`, "top_k");
    }
    const isClassed = inner > 1 ? isClassNumber(labels, classes) : undefined;
    const known = isClassed && reshape(cast(isClassed, "float32"), [outer, 1, inner]);
    const read = isClassed ? readMap(labels, classes, isClassed, param) : readLabels(labels, classes, param);
    const own = stopGradient(x);
    const scores = reshape(param.min_is_better ? mul(own, constant(-1)) : own, [outer, classes, inner]);
    const index = reshape(read.classes, [outer, 1, inner]);
    const better = reduceSum(cast(greaterOrEqual(scores, gatherElements(scores, index, 1)), "float32"), [1], true);
    // The label's own score is one of those that are as high.
    const best = cast(less(better, constant(param.top_k + 1)), "float32");
    const right = known ? mul(best, known) : best;
    const kept = read.kept && reshape(read.kept, [outer, 1, inner]);
    const hits = kept ? mul(right, kept) : right;
    if (param.denominator < 0) throw site.error(`denominator ${param.denominator} is less than 0`, "denominator");
    const by = param.denominator > 0 ? constant(param.denominator) : max(read.valid, constant(1));
    const accuracy = div(sumAll(hits), by);
    if (site.topCount === 1) return { tops: [accuracy] };
    const numbers = constantOf(
      "int64",
      BigInt64Array.from({ length: classes }, (_, i) => BigInt(i)),
      [1, classes, 1],
    );
    const isLabel = cast(equal(index, numbers), "float32");
    const isClass = known ? mul(isLabel, known) : isLabel;
    const occurs = reduceSum(kept ? mul(isClass, kept) : isClass, [0, 2]);
    return { tops: [accuracy, div(reduceSum(mul(isClass, hits), [0, 2]), max(occurs, constant(1)))] };
  },
});

/** Tests which labels have a class as their whole part. */
const isClassNumber = (labels: Value, classes: number): Value => {
  const given = stopGradient(labels);
  return and(greater(given, constant(-1)), less(given, constant(classes)));
};

/** Labels of a map; those that are no class stand as 0. */
function readMap(labels: Value, classes: number, isClassed: Value, param: AccuracyParameter): Labels {
  return {
    ...keptEntries(labels, param),
    classes: indicesOf(where(isClassed, stopGradient(labels), constant(0)), classes),
  };
}
