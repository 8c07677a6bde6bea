import { sub as message } from "../../caffe/message.js";
import { arange, constant, count, type Value } from "../../graph/index.js";
import {
  add,
  and,
  cast,
  div,
  equal,
  floor,
  greater,
  greaterOrEqual,
  less,
  log,
  max,
  mul,
  not,
  reduceMax,
  reshape,
  softmax,
  stopGradient,
  sub,
  sumAll,
  transpose,
  where,
  withGradientOf,
} from "../../ops/index.js";
import { bottomText, type Site } from "../layer.js";
import { alignmentCosts, firstOne, meanOf } from "./ctc.js";

/** The least probability that has a logarithm here. */
const LEAST = 1e-37;

/**
 * CTC's cost by ctc_param: the mean over sequences, with the gradient of their sum divided by all sequences' steps. Bottoms: scores
 * x [n, c, t], one axis more of 1 allowed, or with `nct_axis` the axes of sequences and classes in another order, and labels [n, l] or
 * [l, n] in the order of x's; or x [t, n, c], flags [t, n], whose last that is not 0 ends a sequence, and labels [l, n]. Labels end with a
 * negative one, `blank_index` counts from the end where it is negative; with `already_softmax` x are probabilities, whose gradient is
 * -posterior / x.
 */
export function lossOfAxes(site: Site<unknown>) {
  const { already_softmax: areProbabilities } = message(site.layer, "ctc_param");
  const { x, isFirst, steps } = scoresOf(site);
  const [t, n, c] = x.type.shape as [number, number, number];
  const blank = blankOf(site, c);
  const labels = labelsOf(site, { n, t, isFirst });
  const scores = areProbabilities ? log(max(stopGradient(x), constant(LEAST))) : stopGradient(x);
  const { costs, gradient } = alignmentCosts({ x: scores, steps, blank, ...labels });
  const path = areProbabilities ? ofProbabilities(x, scores, { costs, gradient, steps }) : gradient;
  const sum = div(sumAll(mul(stopGradient(path), x)), sumAll(steps));
  return { tops: [withGradientOf(meanOf(costs), sum)] };
}

/** Scores [t, n, c], whether sequences are an axis before that of the labels' places, and numbers of steps [n]. */
function scoresOf(site: Site<unknown>) {
  const [x, flags, labels] = site.bottoms as [Value, Value, Value?];
  const { shape } = x.type;
  const axes = message(site.layer, "ctc_param").nct_axis;
  if (labels) {
    if (axes.length > 0) throw site.error("nct_axis does not go with flags, a second bottom of three", "ctc_param");
    const [t, n, c] = shape as [number, number, number];
    if (shape.length < 3 || count(shape, 3) !== 1)
      throw site.bottomError(0, `${bottomText(site, 0)} is not [steps, sequences, classes]`);
    if (count(flags.type.shape) !== t * n)
      throw site.bottomError(1, `${bottomText(site, 1)} is not one flag for each of ${t} steps of ${n} sequences`);
    const places = arange(t, [t, 1]);
    const isOn = not(equal(reshape(stopGradient(flags), [t, n]), constant(0)));
    const steps = add(reduceMax(mul(cast(isOn, "float32"), places), [0]), constant(1));
    return { x: reshape(x, [t, n, c]), isFirst: false, steps };
  }
  const [ofSequences, ofClasses] = axes.length === 0 ? [0, 1] : (axes as [number, number]);
  if (axes.length === 1 || axes.length > 2 || ofSequences === ofClasses || ofSequences > 1)
    throw site.error("nct_axis is the axis of sequences, 0 or 1, then another of classes", "ctc_param");
  if (ofClasses >= shape.length || shape.length < 3)
    throw site.bottomError(0, `${bottomText(site, 0)} has no axes of sequences, classes and steps`);
  const rest = shape.flatMap((_, axis) => (axis === ofSequences || axis === ofClasses ? [] : [axis]));
  if (rest.filter((axis) => shape[axis] !== 1).length > 1)
    throw site.bottomError(0, `${bottomText(site, 0)} has steps along more than one axis`);
  const [n, c] = [shape[ofSequences]!, shape[ofClasses]!];
  const t = count(shape) / n / c;
  const steps = constant(new Float32Array(n).fill(t), [n]);
  return { x: reshape(transpose(x, [...rest, ofSequences, ofClasses]), [t, n, c]), isFirst: ofSequences === 0, steps };
}

function blankOf(site: Site<unknown>, classes: number): number {
  const { blank_index: given } = message(site.layer, "ctc_param");
  const blank = given < 0 ? classes + given : given;
  if (blank < 0 || blank >= classes) throw site.error(`the blank ${given} is none of ${classes} classes`, "ctc_param");
  return blank;
}

/** Labels [n, l] up to the first negative one of each sequence; those after it stand as 0. */
function labelsOf(
  site: Site<unknown>,
  { n, t, isFirst }: { readonly n: number; readonly t: number; readonly isFirst: boolean },
) {
  const index = site.bottoms.length - 1;
  const given = site.bottoms[index]!;
  const { shape } = given.type;
  const l = count(shape) / n;
  const rank = shape.filter((dim) => dim !== 1).length;
  if (shape[isFirst ? 0 : 1] !== n || rank > 2 || !Number.isInteger(l))
    throw site.bottomError(index, `${bottomText(site, index)} is not labels [${isFirst ? `${n}, l` : `l, ${n}`}]`);
  if (l > t) throw site.bottomError(index, `${bottomText(site, index)} has more labels than ${t} steps`);
  const places = floor(add(reshape(stopGradient(given), isFirst ? [n, l] : [l, n]), constant(0.5)));
  const rows = isFirst ? places : transpose(places, [1, 0]);
  const lengths = firstOne(cast(less(transpose(rows, [1, 0]), constant(0)), "float32"));
  return { labels: where(greaterOrEqual(rows, constant(0)), rows, constant(0)), lengths };
}

/** -posterior / x of the steps of sequences that their labels fit in. */
function ofProbabilities(
  x: Value,
  scores: Value,
  { costs, gradient, steps }: { readonly costs: Value; readonly gradient: Value; readonly steps: Value },
): Value {
  const [t, n] = x.type.shape as [number, number];
  const places = arange(t, [t, 1]);
  const counts = and(less(places, reshape(steps, [1, n])), greater(reshape(costs, [1, n]), constant(0)));
  const slope = div(sub(gradient, softmax(scores, 2)), max(stopGradient(x), constant(LEAST)));
  return mul(slope, reshape(cast(counts, "float32"), [t, n, 1]));
}
