import { constant, count, type Value } from "../graph/index.js";
import {
  add,
  cast,
  div,
  equal,
  mul,
  not,
  reduceSum,
  relu,
  reshape,
  slice,
  sqrt,
  stopGradient,
  sub,
  sumAll,
  where,
} from "../ops/index.js";
import { onePerRow } from "./implied.js";
import { bottomText, computeLayer, legacyShape, type Place } from "./layer.js";
import { checkBatch, checkOnePerEntry } from "./loss.js";
import { withSlope } from "./slope.js";

/**
 * ContrastiveLoss: sum over pairs of (d^2 if similar, else max(margin - d, 0)^2) / 2n, d = |a - b|; with `legacy_version`
 * dissimilar pairs give max(margin - d^2, 0). a and b [n, c], similar [n] non-zero (fractions cut off) for similar pairs.
 * Caffe divides by d + 1e-4 in the gradient of d, so that equal vectors have one.
 */
export const ContrastiveLoss = computeLayer({
  type: "ContrastiveLoss",
  param: "contrastive_loss_param",
  bottoms: 3,
  tops: 1,
  loss: true,
  implies: (_, shapeOf) => onePerRow(2, shapeOf),
  inference: { as: "prediction" },
  lower(site) {
    const [a, b, similar] = site.bottoms as [Value, Value, Value];
    const { margin, legacy_version } = site.param;
    const [n, channels] = checkPairs(site);
    const rows = (x: Value) => reshape(x, [n, channels]);
    const difference = sub(rows(a), rows(b));
    const squared = reduceSum(mul(difference, difference), [1]);
    const flags = slice(reshape(similar, [count(similar.type.shape)]), 0, 0, n);
    const isSimilar = not(equal(cast(cast(stopGradient(flags), "int64"), "float32"), constant(0)));
    const apart = legacy_version ? relu(sub(constant(margin), squared)) : marginSquared(squared, margin);
    return { tops: [mul(sumAll(where(isSimilar, squared, apart)), constant(0.5 / n))] };
  },
});

function marginSquared(squared: Value, margin: number): Value {
  const root = sqrt(stopGradient(squared));
  const distance = withSlope(root, squared, div(constant(0.5), add(root, constant(1e-4))));
  const missing = relu(sub(constant(margin), distance));
  return mul(missing, missing);
}

function checkPairs(place: Place<unknown>): readonly [n: number, channels: number] {
  checkBatch(place);
  const [a, b] = [legacyShape(place, 0), legacyShape(place, 1)];
  for (const [i, shape] of [a, b].entries()) {
    if (shape[2] === 1 && shape[3] === 1) continue;
    throw place.bottomError(i, `${bottomText(place, i)} is not a vector for each entry of the batch`);
  }
  if (a[1] !== b[1]) {
    throw place.bottomError(1, `${bottomText(place, 1)} and ${bottomText(place, 0)} differ in their channels`);
  }
  checkOnePerEntry(place, 2);
  const flags = legacyShape(place, 2)[0];
  if (flags < a[0]) throw place.bottomError(2, `${bottomText(place, 2)} has ${flags} similarities for ${a[0]} pairs`);
  return [a[0], a[1]];
}
