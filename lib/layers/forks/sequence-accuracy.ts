import { arange, constant, count, type Value } from "../../graph/index.js";
import {
  add,
  and,
  cast,
  concat,
  equal,
  expand,
  gather,
  gatherElements,
  greater,
  less,
  loop,
  mul,
  neg,
  not,
  or,
  reduceMax,
  reduceSum,
  reshape,
  slice,
  stopGradient,
  sub,
  transpose,
  where,
} from "../../ops/index.js";
import { bottomText, computeLayer } from "../layer.js";
import { firstOne, meanOf } from "./ctc.js";

/** More than any place. */
const FAR = 1e9;

const zeroOne = (condition: Value) => cast(condition, "float32");
/**
 * SequenceAccuracy (OCR forks): predicted sequences p [n, t] beside true ones [n, l], each up to a negative number. Tops: the share that are
 * the same; means [3] of the edit distance and of the true and the predicted length; the mean number of entries that the edits leave.
 * Of edits as short as each other, those that delete entries of the true sequence come before those that change others. No gradient.
 * Source: hzli-ucas/caffe, sequence_accuracy_layer.cpp.
 */
export const SequenceAccuracy = computeLayer({
  type: "SequenceAccuracy",
  param: null,
  bottoms: 2,
  tops: [1, 3],
  noGradientTo: [0, 1],
  exact: true,
  score: true,
  inference: { as: "nothing" },
  topShapes: ({ top }) => [[], [3], []].slice(0, top.length),
  lower(site) {
    const [predicted, wanted] = site.bottoms.map(stopGradient) as [Value, Value];
    const [n, t] = predicted.type.shape as [number, number];
    for (const [i, { type }] of [predicted, wanted].entries())
      if (type.shape.length < 2 || type.shape[0] !== n || count(type.shape, 2) !== 1)
        throw site.bottomError(i, `${bottomText(site, i)} is not sequences [${n}, l]`);
    const l = wanted.type.shape[1]!;
    const [p, w] = [transpose(reshape(predicted, [n, t]), [1, 0]), reshape(wanted, [n, l])];
    const length = firstOne(zeroOne(less(p, constant(0))));
    const wantedLength = firstOne(zeroOne(less(transpose(w, [1, 0]), constant(0))));
    const { distance, kept } = edits(p, w);
    const isRow = zeroOne(equal(arange(t + 1, [t + 1, 1, 1]), reshape(length, [1, n, 1])));
    const isColumn = zeroOne(equal(arange(l + 1, [1, 1, l + 1]), reshape(wantedLength, [1, n, 1])));
    const atEnd = (table: Value) => reduceSum(mul(mul(table, isRow), isColumn), [0, 2]);
    const lengths = atEnd(distance);
    const accuracy = meanOf(zeroOne(equal(lengths, constant(0))));
    const means = concat(
      [lengths, wantedLength, length].map((each) => reshape(meanOf(each), [1])),
      0,
    );
    return { tops: [reshape(accuracy, []), means, reshape(meanOf(atEnd(kept)), [])].slice(0, site.topCount) };
  },
});

/** Tables [t + 1, n, l + 1] of edit distances of the first entries of p [t, n] and w [n, l], and of entries that the edits keep. */
function edits(p: Value, w: Value) {
  const [t, n] = p.type.shape as [number, number];
  const l = w.type.shape[1]!;
  const columns = arange(l + 1, [1, l + 1]);
  const starts = [expand(columns, [n, l + 1]), expand(constant(0, [1, 1]), [n, l + 1])];
  // How far a place lies behind another before it, or out of reach.
  const gap = (behind: (distance: number) => number) =>
    constant(
      Float32Array.from({ length: (l + 1) ** 2 }, (_, k) => {
        const distance = Math.floor(k / (l + 1)) - (k % (l + 1));
        return distance >= 0 ? behind(distance) : FAR;
      }),
      [l + 1, l + 1],
    );
  const { scans } = loop(t, { carried: starts, captured: [p, w] }, (i, [far, found], [rows, wanted]) => {
    const isSame = equal(wanted!, reshape(gather(rows!, i, 0), [n, 1]));
    const changed = add(slice(far!, 1, 0, l), zeroOne(not(isSame)));
    const above = add(slice(far!, 1, 1, l + 1), constant(1));
    const first = add(slice(far!, 1, 0, 1), constant(1));
    const least = concat([first, where(less(changed, above), changed, above)], 1);
    const next = neg(
      reduceMax(
        neg(
          add(
            reshape(least, [n, 1, l + 1]),
            gap((distance) => distance),
          ),
        ),
        [2],
      ),
    );
    const left = add(slice(next, 1, 0, l), constant(1));
    const changes = less(changed, above);
    const isChanged = and(changes, less(changed, left));
    const jumps = or(isChanged, and(not(changes), less(above, left)));
    const own = where(isChanged, add(slice(found!, 1, 0, l), zeroOne(isSame)), slice(found!, 1, 1, l + 1));
    const own0 = concat([constant(0, [n, 1]), own], 1);
    // Where the last edit is none to the left.
    const place = where(concat([greater(first, constant(-1)), jumps], 1), columns, constant(-1));
    const last = reduceMax(
      sub(
        reshape(place, [n, 1, l + 1]),
        gap(() => 0),
      ),
      [2],
    );
    const kept = gatherElements(own0, cast(last, "int64"), 1);
    return { carried: [next, kept], scans: [next, kept] };
  });
  const whole = (start: Value, rows: Value) => concat([reshape(start, [1, n, l + 1]), rows], 0);
  return { distance: whole(starts[0]!, scans[0]!), kept: whole(starts[1]!, scans[1]!) };
}
