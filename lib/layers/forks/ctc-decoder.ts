import { amend } from "../../caffe/message.js";
import type { LayerParameter } from "../../caffe/messages.js";
import { arange, constant, count, type Value } from "../../graph/index.js";
import { scatter } from "../../ops/detection.js";
import {
  add,
  and,
  cast,
  concat,
  cumSum,
  div,
  equal,
  floor,
  greater,
  less,
  max,
  mul,
  neg,
  not,
  reduceSum,
  reshape,
  slice,
  stopGradient,
  sub,
  topK,
  transpose,
  where,
} from "../../ops/index.js";
import { bottomText, computeLayer } from "../layer.js";
import { firstOne, meanOf, stepsOf, zeroOne } from "./ctc.js";
import { edits, entryAt } from "./edits.js";

/**
 * CTCGreedyDecoder (OCR forks): the best class of each step, without blanks and, but for `ctc_merge_repeated: false`, repetitions.
 * x [t, n, c], flags [t, n], 0 where a sequence begins. Tops: class numbers [t, n, 1, 1], then -1; with a second, -sum of the scores
 * of the best classes [n, 1, 1, 1]. With labels [l, n] up to a negative one as third bottom the last top is the accuracy: 1 - the mean of
 * edit distance / the longer length. `blank_index` is by default the last class. No gradient.
 * Source: ChWick/caffe, ctc_decoder_layer.cpp and caffe.proto.
 */
export const CTCGreedyDecoder = computeLayer({
  type: "CTCGreedyDecoder",
  param: "ctc_decoder_param",
  bottoms: [2, 3],
  tops: [1, 3],
  noGradientTo: [0, 1, 2],
  exact: true,
  specific: (layer) => (layer.bottom.length > 2 ? { score: true, inference: { as: "layer", of: withoutLabels } } : {}),
  lower(site) {
    const { param, topCount } = site;
    const [x, flags, labels] = site.bottoms as [Value, Value, Value?];
    const { shape } = x.type;
    const [t, n, c] = shape as [number, number, number];
    if (shape.length < 3 || count(shape, 3) !== 1)
      throw site.bottomError(0, `${bottomText(site, 0)} is not [steps, sequences, classes]`);
    if (count(flags.type.shape) !== t * n)
      throw site.bottomError(1, `${bottomText(site, 1)} is not one flag for each of ${t} steps of ${n} sequences`);
    if (topCount > (labels ? 3 : 2)) throw site.error("an accuracy takes labels, a third bottom", "top");
    const blank = param.blank_index < 0 ? c - 1 : param.blank_index;
    const best = topK(reshape(stopGradient(x), [t, n, c]), 2, 1);
    const classes = reshape(cast(best.indices, "float32"), [t, n]);
    const isStep = zeroOne(less(arange(t, [t, 1]), reshape(stepsOf(reshape(flags, [t, n])), [1, n])));
    const before = concat([constant(-1, [1, n]), slice(classes, 0, 0, t - 1)], 0);
    const isNew = param.ctc_merge_repeated ? not(equal(classes, before)) : greater(classes, constant(-1));
    const stays = mul(isStep, zeroOne(and(isNew, not(equal(classes, constant(blank))))));
    const place = cumSum(stays, { axis: 0, exclusive: true, reverse: false });
    // What goes is written to a row more, which is cut off.
    const rows = cast(where(greater(stays, constant(0)), place, constant(t)), "int64");
    const decoded = slice(scatter(constant(-1, [t + 1, n]), rows, classes, 0), 0, 0, t);
    const lengths = reduceSum(stays, [0]);
    const score = neg(reduceSum(mul(reshape(best.values, [t, n]), isStep), [0]));
    const tops = [reshape(decoded, [t, n, 1, 1]), reshape(score, [n, 1, 1, 1])];
    if (!labels) return { tops: tops.slice(0, topCount) };
    if (count(labels.type.shape, 1) !== n) throw site.bottomError(2, `${bottomText(site, 2)} is not labels [l, ${n}]`);
    const l = labels.type.shape[0]!;
    const wanted = floor(add(reshape(stopGradient(labels), [l, n]), constant(0.5)));
    const length = firstOne(zeroOne(less(wanted, constant(0))));
    const longer = max(lengths, length);
    const distance = editDistance({ values: decoded, length: lengths }, { values: wanted, length });
    const share = where(greater(longer, constant(0)), div(distance, max(longer, constant(1))), constant(0));
    const accuracy = reshape(sub(constant(1), meanOf(share)), [1, 1, 1, 1]);
    return { tops: topCount === 1 ? [tops[0]!] : [...tops.slice(0, topCount - 1), accuracy] };
  },
});

/** The decoder of a net that only infers: its sequences, and their scores where there are three tops. */
const withoutLabels = (layer: LayerParameter): LayerParameter =>
  amend(layer, { bottom: layer.bottom.slice(0, 2), top: layer.top.slice(0, Math.max(1, layer.top.length - 1)) });

/** Class numbers [l, n], of which the first `length` [n] count. */
interface Sequence {
  readonly values: Value;
  readonly length: Value;
}

/** Least numbers of entries to change, take out or put in, [n]. */
const editDistance = (a: Sequence, b: Sequence): Value =>
  entryAt(edits(b.values, transpose(a.values, [1, 0])).distance, b.length, a.length);
