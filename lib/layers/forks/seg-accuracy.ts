import { constant, constantOf, count, type Value } from "../../graph/index.js";
import {
  add,
  and,
  cast,
  concat,
  div,
  equal,
  greater,
  max,
  mul,
  not,
  reduceSum,
  reshape,
  reverse,
  scatterAdd,
  slice,
  stopGradient,
  sub,
  sumAll,
  topK,
  transpose,
  where,
  zeros,
} from "../../ops/index.js";
import { indicesOf } from "../indices.js";
import { bottomText, computeLayer } from "../layer.js";

const int64 = (value: number) => constantOf("int64", BigInt64Array.of(BigInt(value)), []);

/**
 * SegAccuracy (DeepLab): of x [n, c, h, w] and labels [n, 1, h, w], [1, 1, 1, 3]: the share of pixels whose most probable class is the
 * label, the mean of that share over classes that occur, and the mean over all classes of intersection over union, 1 for a class that
 * is nowhere. `ignore_label`s do not count. With `reset: false` pixels of all forwards so far. A second top, which the fork does not
 * have, is intersection over union of each class [c]. No gradient.
 */
export const SegAccuracy = computeLayer({
  type: "SegAccuracy",
  param: "seg_accuracy_param",
  bottoms: 2,
  tops: [1, 2],
  noGradientTo: [0, 1],
  score: true,
  inference: { as: "nothing" },
  lower(site) {
    const { param } = site;
    const [x, labels] = site.bottoms as [Value, Value];
    const { shape } = x.type;
    const [n, c, ...places] = shape as [number, number, ...number[]];
    if (shape.length < 2 || count(labels.type.shape) !== n * count(places))
      throw site.bottomError(1, `${bottomText(site, 1)} is not a label for each place of ${bottomText(site, 0)}`);
    const total = n * count(places);
    const scores = reshape(stopGradient(x), [n, c, count(places)]);
    // Of equal scores the last class counts.
    const best = reshape(topK(reverse(scores, 1), 1, 1).indices, [total]);
    const predicted = sub(int64(c - 1), best);
    const given = reshape(stopGradient(labels), [total]);
    const whole = cast(given, "int64");
    const kept = param.ignore_label.map((label) => not(equal(whole, int64(label))));
    const counted = kept.length > 0 ? kept.reduce(and) : undefined;
    const known = indicesOf(counted ? where(counted, given, constant(0)) : given, c);
    const ones = counted ? cast(counted, "float32") : add(zeros([total]), constant(1));
    const pairs = add(mul(known, int64(c)), predicted);
    const now = reshape(scatterAdd(zeros([c * c]), pairs, ones, 0), [c, c]);
    if (param.reset) return { tops: scoresOf(now).slice(0, site.topCount) };
    const before = site.carry([c, c]);
    const all = add(before, now);
    return { tops: scoresOf(all).slice(0, site.topCount), state: new Map([[before, all]]) };
  },
});

/** The three scores, and intersection over union, of how often each class [row] was taken for each [column]. */
function scoresOf(confusion: Value): readonly Value[] {
  const c = confusion.type.shape[0]!;
  const flat = reshape(confusion, [c * c]);
  const right = slice(flat, 0, 0, c * c, c + 1);
  const [own, taken] = [reduceSum(confusion, [1]), reduceSum(transpose(confusion, [1, 0]), [1])];
  const share = (part: Value, whole: Value) => div(part, max(whole, constant(1)));
  const occurs = cast(greater(own, constant(0)), "float32");
  const union = sub(add(own, taken), right);
  const overlap = where(equal(union, right), constant(1), share(right, union));
  const three = [
    share(sumAll(right), sumAll(own)),
    share(sumAll(share(right, own)), sumAll(occurs)),
    mul(sumAll(overlap), constant(1 / c)),
  ];
  return [
    reshape(
      concat(
        three.map((x) => reshape(x, [1])),
        0,
      ),
      [1, 1, 1, 3],
    ),
    overlap,
  ];
}
