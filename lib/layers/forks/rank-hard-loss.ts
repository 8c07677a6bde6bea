import { constant, constantOf, count, type Value } from "../../graph/index.js";
import {
  add,
  and,
  cast,
  equal,
  gather,
  greater,
  less,
  mul,
  not,
  or,
  reduceSum,
  relu,
  reshape,
  stopGradient,
  sub,
  sumAll,
  transpose,
  where,
  withGradientOf,
} from "../../ops/index.js";
import { matMul } from "../../ops/linear.js";
import { onePerRow } from "../implied.js";
import { rankOf } from "../indices.js";
import { bottomText, computeLayer, type Site } from "../layer.js";
import { inverseWeight } from "../loss.js";
import type { RankParameter } from "../../caffe/messages.js";

/**
 * RankHardLoss (video triplets): the sum over pairs and the negatives drawn for each of
 * max(n - p + margin, 0) + max(m - p + margin, 0), over 2 neg_num rows / pair_size, p being the product of a pair's two rows of x and n
 * and m those of its first and second row with the negative's. Pairs are rows 0 and 1 of each `pair_size`; negatives have another label
 * and a first term above 0. Of more than `neg_num` of them the greatest n are hard: neg_num hard_ratio of these are drawn, and neg_num
 * rand_ratio of all others. x [rows, k...], labels [rows]; a scalar. The gradient is the authors', whatever the loss weighs.
 * Source: xiaolonw/caffe-video_triplet, rank_hard_loss_layer.cpp.
 */
export const RankHardLoss = computeLayer({
  type: "RankHardLoss",
  param: "rank_param",
  bottoms: 2,
  tops: 1,
  noGradientTo: [1],
  loss: true,
  implies: (_, shapeOf) => onePerRow(1, shapeOf),
  inference: { as: "prediction" },
  lower(site) {
    const { param, error } = site;
    const [x, labels] = site.bottoms as [Value, Value];
    const { shape } = x.type;
    const [rows, size] = [shape[0]!, param.pair_size];
    if (size < 2) throw error(`pair_size ${size} leaves no room for a pair`, "pair_size");
    if (rows % size !== 0) throw site.bottomError(0, `${bottomText(site, 0)} does not have whole sets of ${size} rows`);
    if (count(labels.type.shape) !== rows)
      throw site.bottomError(1, `${bottomText(site, 1)} is not a label for each row of ${bottomText(site, 0)}`);
    const flat = reshape(x, [rows, count(shape, 1)]);
    const sets = rows / size;
    const products = matMul(flat, transpose(flat, [1, 0]));
    const everyFrom = (first: number) =>
      constantOf(
        "int64",
        BigInt64Array.from({ length: sets }, (_, i) => BigInt(i * size + first)),
        [sets],
      );
    const [first, second] = [gather(products, everyFrom(0), 0), gather(products, everyFrom(1), 0)];
    const pair = reduceSum(mul(first, secondsOf(sets, size)), [1], true);
    const short = (of: Value) => relu(add(sub(of, pair), constant(param.margin)));
    const [nearFirst, nearSecond] = [short(first), short(second)];
    const label = reshape(labels, [rows]);
    const isOther = not(equal(reshape(gather(label, everyFrom(0), 0), [sets, 1]), reshape(label, [1, rows])));
    const isNegative = and(isOther, greater(stopGradient(nearFirst), constant(0)));
    const chosen = cast(drawn(site, stopGradient(first), stopGradient(isNegative)), "float32");
    const by = 1 / (Math.trunc((param.neg_num * rows) / size) * 2);
    const loss = mul(sumAll(mul(add(nearFirst, nearSecond), chosen)), constant(by));
    return { tops: [withGradientOf(loss, mul(loss, constant(inverseWeight(site))))] };
  },
});

/** 1 at the second row of each set, float32 [sets, rows]. */
const secondsOf = (sets: number, size: number) =>
  constant(
    Float32Array.from({ length: sets * sets * size }, (_, i) =>
      Number(i % (sets * size) === Math.floor(i / (sets * size)) * size + 1),
    ),
    [sets, sets * size],
  );

/** Negatives that count for each set, bool [sets, rows]. */
function drawn(site: Site<RankParameter>, products: Value, isNegative: Value): Value {
  const { neg_num: most, hard_ratio, rand_ratio } = site.param;
  const all = products.type.shape;
  const [hard, other] = [Math.trunc(most * hard_ratio), Math.trunc(most * rand_ratio)];
  const isFew = not(greater(reduceSum(cast(isNegative, "float32"), [1], true), constant(most)));
  const isHard = and(isNegative, less(rankOf(where(isNegative, products, constant(-1e38))), constant(most)));
  const drawnFrom = (from: Value, number: number) =>
    and(from, less(rankOf(where(from, site.random(all), constant(-1))), constant(number)));
  const fromHard = drawnFrom(isHard, hard);
  const rest = and(isNegative, not(fromHard));
  return or(and(isNegative, isFew), or(fromHard, drawnFrom(rest, other)));
}
