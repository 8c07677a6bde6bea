import { has, sub as message } from "../../caffe/message.js";
import type { CTCLossParameter, LayerParameter } from "../../caffe/messages.js";
import { constant, count, type Value } from "../../graph/index.js";
import {
  add,
  cast,
  equal,
  floor,
  greaterOrEqual,
  less,
  mul,
  not,
  reshape,
  stopGradient,
  sumAll,
  transpose,
  where,
  withGradientOf,
} from "../../ops/index.js";
import type { Implied, KnownShape } from "../implied.js";
import { bottomText, computeLayer, type Site } from "../layer.js";
import { inverseWeight } from "../loss.js";
import { type Alignment, alignmentCosts, compacted, firstOne, meanOf, stepsOf } from "./ctc.js";
import { lossOfAxes } from "./ctc-loss-of-axes.js";

type P = CTCLossParameter;
type Labels = Pick<Alignment, "labels" | "lengths">;

/** The parts that the three losses share: the mean cost of sequences, with the gradient of the sum. */
const common = { param: "ctc_loss_param", tops: 1, exact: true, loss: true, inference: { as: "prediction" } } as const;

/**
 * WarpCTCLoss (OCR forks, with warp-ctc): the mean over sequences of CTC's cost. Activations before softmax x [t, n, c], then
 * either labels [n, l], of which blanks are skipped; or flags [t, n], 0 where a sequence begins, and labels [t, n] up to a negative
 * one; or numbers of steps [n], numbers of labels [n] and labels [l, n]. `blank_index` is the blank's class; without it the blank is
 * 0, and labels beside flags count from the class after it. The gradient is that of the sum, whatever the loss weighs, as the authors'.
 * Source: ChWick/caffe, warp_ctc_loss_layer.cpp and caffe.proto.
 */
export const WarpCTCLoss = computeLayer({
  ...common,
  type: "WarpCTCLoss",
  implies: (layer, shapeOf) => (layer.bottom.length === 3 ? flagsAndLabels(shapeOf) : labelsAlone(layer, shapeOf)),
  bottoms: [2, 4],
  noGradientTo: [1, 2, 3],
  lower(site) {
    checkFields(site);
    const { blank_index: given } = site.param;
    const { t, n } = sequences(site);
    const blank = blankOf(site, Math.max(0, given));
    const [, second, third, fourth] = site.bottoms as [Value, Value, Value?, Value?];
    if (!third)
      return lossOf(site, { steps: constant(new Float32Array(n).fill(t), [n]), blank, ...rowLabels(site, 1, blank) });
    if (!fourth) {
      const read = endedLabels(site, 2);
      const labels = given < 0 ? add(read.labels, constant(1)) : read.labels;
      return lossOf(site, { steps: stepsOf(second), blank, labels, lengths: read.lengths });
    }
    const steps = perSequence(site, 1);
    const lengths = perSequence(site, 2);
    return lossOf(site, { steps, blank, labels: columns(site, 3), lengths });
  },
});

/**
 * CTCLoss (OCR forks): the same of flags and labels up to a negative one, and `blank_index` by default the last class. With ctc_param or
 * two bottoms that of another fork (lossOfAxes).
 * Source: ChWick/caffe, ctc_loss_layer.cpp and caffe.proto; hzli-ucas/caffe, the same files.
 */
export const CTCLoss = computeLayer({
  ...common,
  type: "CTCLoss",
  also: ["ctc_param"],
  implies: (layer, shapeOf) => (layer.bottom.length === 3 ? flagsAndLabels(shapeOf) : labelsOfAxes(layer, shapeOf)),
  bottoms: [2, 3],
  noGradientTo: [1, 2],
  lower(site) {
    if (site.bottoms.length === 2 || site.layer.ctc_param) return lossOfAxes(site);
    checkFields(site);
    const { param, error } = site;
    if (param.output_delay !== 0) throw error("only an output_delay of 0 is supported", "output_delay");
    if (param.preprocess_collapse_repeated)
      throw error("labels are not collapsed before they are aligned", "preprocess_collapse_repeated");
    if (!param.ctc_merge_repeated) throw error("repeated classes are always merged", "ctc_merge_repeated");
    const { c } = sequences(site);
    const blank = blankOf(site, param.blank_index < 0 ? c - 1 : param.blank_index);
    return lossOf(site, { steps: stepsOf(site.bottoms[1]!), blank, ...endedLabels(site, 2) });
  },
});

/**
 * CtcLoss (OCR forks, with warp-ctc): the same of labels [n, l], of which those of `blank_label` are skipped, and all steps. The
 * gradient is that of the sum times the loss's weight.
 */
export const CtcLoss = computeLayer({
  ...common,
  type: "CtcLoss",
  implies: labelsAlone,
  bottoms: 2,
  noGradientTo: [1],
  lower(site) {
    const { param } = site;
    const { t, n } = sequences(site);
    checkSizes(site, param.alphabet_size, param.time_step);
    refuseField(site, "blank_index", "blank_label");
    const blank = blankOf(site, param.blank_label);
    const steps = constant(new Float32Array(n).fill(t), [n]);
    return lossOf(site, { steps, blank, ...rowLabels(site, 1, blank) }, 1);
  },
});

/** Flags and labels for each step of each sequence, in bottoms 1 and 2. */
function flagsAndLabels(shapeOf: KnownShape): Implied {
  const steps = shapeOf(0)?.slice(0, 2);
  return new Map(steps?.length === 2 ? [1, 2].map((i) => [i, steps] as const) : []);
}

/** Labels in bottom 1, one for each sequence: how many there are is the data's. */
function labelsAlone({ bottom }: LayerParameter, shapeOf: KnownShape): Implied {
  const sequences = bottom.length === 2 ? shapeOf(0)?.[1] : undefined;
  return new Map(sequences === undefined ? [] : [[1, [sequences, 1]]]);
}

/** Labels in bottom 1 beside scores by ctc_param. */
function labelsOfAxes(layer: LayerParameter, shapeOf: KnownShape): Implied {
  const axis = message(layer, "ctc_param").nct_axis[0] ?? 0;
  const sequences = shapeOf(0)?.[axis];
  return new Map(sequences === undefined ? [] : [[1, axis === 0 ? [sequences, 1] : [1, sequences]]]);
}

/** The mean cost, with the gradient of the sum: times `scale`, or whatever the loss weighs. */
function lossOf(site: Site<P>, alignment: Omit<Alignment, "x">, scale = inverseWeight(site)) {
  const { t, n, c } = sequences(site);
  const x = reshape(site.bottoms[0]!, [t, n, c]);
  const { costs, gradient } = alignmentCosts({ x, ...alignment });
  return { tops: [withGradientOf(meanOf(costs), mul(sumAll(mul(stopGradient(gradient), x)), constant(scale)))] };
}

/** Numbers of steps, sequences and classes. */
function sequences(site: Site<unknown>) {
  const { shape } = site.bottoms[0]!.type;
  const [t, n, c] = shape as [number, number, number];
  if (shape.length < 3 || count(shape, 3) !== 1)
    throw site.bottomError(0, `${bottomText(site, 0)} is not [steps, sequences, classes]`);
  return { t, n, c };
}

function blankOf(site: Site<P>, blank: number): number {
  const { c } = sequences(site);
  if (blank < 0 || blank >= c) throw site.error(`the blank ${blank} is none of ${c} classes`, "blank_index");
  return blank;
}

/** Throws where classes or steps are others than the bottom has; undefined: not said. */
function checkSizes(site: Site<P>, classes: number | undefined, steps: number | undefined): void {
  const { t, c } = sequences(site);
  const x = bottomText(site, 0);
  if (classes !== undefined && classes !== c)
    throw site.error(`alphabet_size is ${classes}, and ${x} has ${c} classes`, "alphabet_size");
  if (steps !== undefined && steps !== t)
    throw site.error(`time_step is ${steps}, and ${x} has ${t} steps`, "time_step");
}

/** The same where a type need not say them; the blank by the name that it has in CtcLoss is refused. */
function checkFields(site: Site<P>): void {
  const { param } = site;
  const given = (field: "alphabet_size" | "time_step") => (has(param, field) ? param[field] : undefined);
  checkSizes(site, given("alphabet_size"), given("time_step"));
  refuseField(site, "blank_label", "blank_index");
}

/** Throws for the blank by the name that it has in another type. */
function refuseField(site: Site<P>, field: "blank_index" | "blank_label", own: "blank_index" | "blank_label"): void {
  if (has(site.param, field))
    throw site.error(`${site.layer.type} layers have no ${field}`, field, [`their blank is ${own}`]);
}

/** Labels [n, l] of one number a sequence and place, without blanks. */
function rowLabels(site: Site<P>, index: number, blank: number): Labels {
  const { n } = sequences(site);
  const { shape } = site.bottoms[index]!.type;
  if (shape[0] !== n) throw site.bottomError(index, `${bottomText(site, index)} is not labels [${n}, l]`);
  const labels = floor(reshape(stopGradient(site.bottoms[index]!), [n, count(shape, 1)]));
  return compacted(labels, cast(not(equal(labels, constant(blank))), "float32"));
}

/** Labels [l, n] as [n, l]. */
function columns(site: Site<P>, index: number): Value {
  const { n } = sequences(site);
  const { shape } = site.bottoms[index]!.type;
  if (count(shape, 1) !== n) throw site.bottomError(index, `${bottomText(site, index)} is not labels [l, ${n}]`);
  return transpose(floor(add(reshape(stopGradient(site.bottoms[index]!), [shape[0]!, n]), constant(0.5))), [1, 0]);
}

/** Labels [l, n] up to the first negative one of each sequence, as [n, l]; those after it stand as 0. */
function endedLabels(site: Site<P>, index: number): Labels {
  const labels = columns(site, index);
  const rows = transpose(labels, [1, 0]);
  const lengths = firstOne(cast(less(rows, constant(0)), "float32"));
  return { labels: where(greaterOrEqual(labels, constant(0)), labels, constant(0)), lengths };
}

/** One number a sequence. */
function perSequence(site: Site<P>, index: number): Value {
  const { n } = sequences(site);
  if (count(site.bottoms[index]!.type.shape) !== n)
    throw site.bottomError(index, `${bottomText(site, index)} is not one number for each of ${n} sequences`);
  return reshape(stopGradient(site.bottoms[index]!), [n]);
}
