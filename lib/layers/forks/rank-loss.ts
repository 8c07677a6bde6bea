import { constant, count, type Value } from "../../graph/index.js";
import {
  div,
  exp,
  greater,
  less,
  mul,
  neg,
  reshape,
  slice,
  softplus,
  stopGradient,
  sub,
  sumAll,
  transpose,
  where,
  withGradientOf,
} from "../../ops/index.js";
import { onePerRow } from "../implied.js";
import { bottomText, computeLayer } from "../layer.js";

/**
 * RankLoss (gnina): RankNet's loss, the mean over pairs of -log sigmoid(s_i - s_j) where label i is greater than label j, and else of
 * -log sigmoid(s_j - s_i). Pairs are rows 2k and 2k + 1, or with `allpairs` all of i < j. Bottoms: scores s [n], or the second of two
 * classes [n, 2], and labels [n]; a scalar. The gradient is the authors': a step of n instead of the number of pairs, equal labels
 * count as falling, and of two classes each takes half.
 * Source: gnina/gnina, rank_loss_layer.cpp.
 */
export const RankLoss = computeLayer({
  type: "RankLoss",
  param: "rank_loss_param",
  bottoms: 2,
  tops: 1,
  noGradientTo: [1],
  loss: true,
  implies: (_, shapeOf) => onePerRow(1, shapeOf),
  inference: { as: "prediction" },
  lower(site) {
    const [x, labels] = site.bottoms as [Value, Value];
    const n = x.type.shape[0] ?? 1;
    const classes = count(x.type.shape, 1);
    if (classes > 2) throw site.bottomError(0, `${bottomText(site, 0)} does not have one score or two classes`);
    if (count(labels.type.shape) !== n)
      throw site.bottomError(1, `${bottomText(site, 1)} is not a label for each row of ${bottomText(site, 0)}`);
    const { allpairs } = site.param;
    if (!allpairs && n % 2 !== 0)
      throw site.bottomError(0, `${bottomText(site, 0)} is no even number of rows`, ["give allpairs: true"]);
    if (n < 2) throw site.bottomError(0, `${bottomText(site, 0)} has no pairs`);
    const rows = reshape(x, [n, classes]);
    const score = slice(rows, 1, classes - 1, classes);
    // Of two classes the gradient is that of half their difference.
    const own = classes === 2 ? mul(sub(score, slice(rows, 1, 0, 1)), constant(0.5)) : score;
    const pairs = (values: Value) => (allpairs ? ofAll(values, n) : ofNeighbours(values, n));
    const difference = stopGradient(pairs(score));
    const order = stopGradient(pairs(reshape(labels, [n, 1])));
    const isUp = greater(order, constant(0));
    const cost = softplus(where(isUp, neg(difference), difference));
    const slope = neg(sigmoidOf(neg(difference)));
    const signed = where(less(order, constant(0)), neg(slope), slope);
    // Of all pairs the others have the same or no rows.
    const counts = allpairs ? upper(n) : constant(1, [n / 2, 1]);
    const number = allpairs ? (n * (n - 1)) / 2 : n / 2;
    const loss = div(sumAll(mul(cost, counts)), constant(number));
    const path = div(sumAll(mul(mul(signed, counts), pairs(own))), constant(n));
    return { tops: [withGradientOf(loss, path)] };
  },
});

/** Differences of rows [n, 1] from each other: [n, n]. */
const ofAll = (values: Value, n: number) => sub(values, transpose(reshape(values, [n, 1]), [1, 0]));

/** Differences of rows 2k [n, 1] from rows 2k + 1: [n / 2, 1]. */
function ofNeighbours(values: Value, n: number): Value {
  const rows = reshape(values, [n / 2, 2]);
  return sub(slice(rows, 1, 0, 1), slice(rows, 1, 1, 2));
}

/** 1 where the row is before the column, [n, n]. */
const upper = (n: number) =>
  constant(
    Float32Array.from({ length: n * n }, (_, i) => Number(Math.floor(i / n) < i % n)),
    [n, n],
  );

const sigmoidOf = (x: Value) => exp(neg(softplus(neg(x))));
