import { constant, count, type Value } from "../../graph/index.js";
import { concat, equal, less, reshape, stopGradient, transpose } from "../../ops/index.js";
import { bottomText, computeLayer } from "../layer.js";
import { firstOne, meanOf, zeroOne } from "./ctc.js";
import { edits, entryAt } from "./edits.js";

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
    const atEnd = (table: Value) => entryAt(table, length, wantedLength);
    const lengths = atEnd(distance);
    const accuracy = meanOf(zeroOne(equal(lengths, constant(0))));
    const means = concat(
      [lengths, wantedLength, length].map((each) => reshape(meanOf(each), [1])),
      0,
    );
    return { tops: [reshape(accuracy, []), means, reshape(meanOf(atEnd(kept)), [])].slice(0, site.topCount) };
  },
});
