import { arange, constant, count, type Value } from "../../graph/index.js";
import {
  add,
  cast,
  div,
  equal,
  greater,
  max,
  mul,
  reduceSum,
  reshape,
  slice,
  stopGradient,
  sub,
  sumAll,
  topK,
  withGradientOf,
} from "../../ops/index.js";
import { iota } from "../indices.js";
import { bottomText, computeLayer, type Lowered, type Place } from "../layer.js";
import { checkSameCount, inverseWeight } from "../loss.js";

/** Added to a class's sizes, so that a class that is nowhere divides by something. */
const LEAST = 1e-5;

/**
 * DiceLoss (V-Net): the mean of 2 |P and T| / (|P| + |T|) over classes but 0 that occur in an item's labels, P where a class is the
 * most probable one, T where it is the label. Probabilities x [n, c, ...], labels [n, ...]; a scalar, which is 1 where all is right.
 * The gradient is the authors', whatever the loss weighs: for each such class d = 2 (t / u - 2 x i / u^2), u and i the two sizes, is
 * taken from its probability and given to that of class 0, so that descent makes the loss greater.
 */
export const DiceLoss = computeLayer({
  type: "DiceLoss",
  param: null,
  bottoms: 2,
  tops: 1,
  noGradientTo: [1],
  loss: true,
  inference: { as: "prediction" },
  lower(site) {
    const [x, labels] = site.bottoms as [Value, Value];
    const { shape } = x.type;
    const [n, c, places] = [shape[0]!, shape[1]!, count(shape, 2)];
    if (shape.length < 2 || count(labels.type.shape) !== n * places)
      throw site.bottomError(1, `${bottomText(site, 1)} is not a label for each place of ${bottomText(site, 0)}`);
    const prob = reshape(x, [n, c, places]);
    const flags = (index: Value) => cast(equal(index, reshape(iota(c), [c, 1])), "float32");
    const fixed = stopGradient(prob);
    const predicted = flags(topK(fixed, 1, 1).indices);
    // Labels are compared as they are: one that is no class is in none.
    const classes = arange(c, [c, 1]);
    const truth = cast(equal(reshape(stopGradient(labels), [n, 1, places]), classes), "float32");
    const shared = reduceSum(mul(predicted, truth), [2], true);
    const size = add(reduceSum(add(predicted, truth), [2], true), constant(LEAST));
    const foreground = constant(
      Float32Array.from({ length: c }, (_, i) => (i > 0 ? 1 : 0)),
      [c, 1],
    );
    const occurs = mul(cast(greater(reduceSum(truth, [2], true), constant(0)), "float32"), foreground);
    const dice = mul(div(mul(shared, constant(2)), size), occurs);
    const mean = div(sumAll(dice), max(sumAll(occurs), constant(1)));
    const slope = sub(div(truth, size), div(mul(mul(fixed, shared), constant(2)), mul(size, size)));
    const given = stopGradient(mul(mul(slope, occurs), constant(2 * inverseWeight(site))));
    const apart = sub(slice(prob, 1, 0, 1), prob);
    return { tops: [withGradientOf(mean, sumAll(mul(given, apart)))] };
  },
});

/**
 * V-Net's Python layer pyLayer.DiceLoss, of two classes: 2 |P and T| / (|P| + |T|), P where class 1 is the more probable one and T where the label is
 * above 0.5, summed over items, so that more is better. Probabilities x [n, 2, ...], labels of [n, ...]; a scalar. The gradient is the authors', whatever
 * the loss weighs: d = 2 (t / u - 2 x i / u^2), x the probability of class 1, u and i the two sizes, is taken from class 1 and given to class 0.
 */
export function pythonDiceLoss(site: Place<unknown>): Lowered {
  const [x, labels] = site.bottoms as [Value, Value];
  const { shape } = x.type;
  const [n, c, places] = [shape[0]!, shape[1]!, count(shape, 2)];
  if (shape.length < 2 || c !== 2 || count(labels.type.shape) !== n * places)
    throw site.bottomError(
      1,
      `${bottomText(site, 1)} is not a label for each place of ${bottomText(site, 0)}, which has two classes`,
    );
  const prob = reshape(x, [n, 2, places]);
  const [background, object] = [0, 1].map((at) => reshape(slice(prob, 1, at, at + 1), [n, places])) as [Value, Value];
  const [other, own] = [stopGradient(background), stopGradient(object)];
  const predicted = cast(greater(own, other), "float32");
  const truth = cast(greater(reshape(stopGradient(labels), [n, places]), constant(0.5)), "float32");
  const shared = reduceSum(mul(predicted, truth), [1], true);
  const size = reduceSum(add(predicted, truth), [1], true);
  const dice = sumAll(div(mul(shared, constant(2)), add(size, constant(LEAST))));
  // An item without an object, predicted or labelled, has no gradient; the authors' is not a number there.
  const some = max(size, constant(1));
  const slope = sub(div(truth, some), div(mul(mul(own, shared), constant(2)), mul(some, some)));
  const given = mul(slope, constant(2 * inverseWeight(site)));
  return { tops: [withGradientOf(dice, sumAll(mul(given, sub(background, object))))] };
}

/**
 * DiceCoefLoss (segmentation forks): 1 - the mean over items of r = (2 sum of x t + 1) / (sum of x^2 + sum of t^2 + 1), of two blobs
 * [n, ...] of as many entries. The gradient of each is the authors', for the sum over items: 2 (r x - t) / (sum of x^2 + sum of t^2 + 1).
 */
export const DiceCoefLoss = computeLayer({
  type: "DiceCoefLoss",
  param: null,
  bottoms: 2,
  tops: 1,
  loss: true,
  inference: { as: "prediction" },
  lower(site) {
    const n = site.bottoms[0]!.type.shape[0]!;
    checkSameCount(site);
    const [x, t] = site.bottoms.map((each) => reshape(each, [n, count(each.type.shape) / n])) as [Value, Value];
    const [a, b] = [stopGradient(x), stopGradient(t)];
    const size = add(add(reduceSum(mul(a, a), [1], true), reduceSum(mul(b, b), [1], true)), constant(1));
    const quotient = div(add(mul(reduceSum(mul(a, b), [1], true), constant(2)), constant(1)), size);
    const loss = sub(constant(1), mul(sumAll(quotient), constant(1 / n)));
    const slope = (own: Value, other: Value) => mul(div(sub(mul(quotient, own), other), size), constant(2));
    return { tops: [withGradientOf(loss, add(sumAll(mul(slope(a, b), x)), sumAll(mul(slope(b, a), t))))] };
  },
});
