import {
  MultiBoxLossParameter_ConfLossType as Conf,
  MultiBoxLossParameter_LocLossType as Loc,
  MultiBoxLossParameter_MiningType as Mining,
  type MultiBoxLossParameter,
} from "../../caffe/messages.js";
import { constant, type Value } from "../../graph/index.js";
import {
  abs,
  and,
  cast,
  div,
  exp,
  expand,
  gather,
  gatherElements,
  greater,
  less,
  logSoftmax,
  mul,
  neg,
  pow,
  reduceSum,
  reshape,
  slice,
  softplus,
  sub,
  where,
} from "../../ops/index.js";
import { indicesOf } from "../indices.js";
import type { Site } from "../layer.js";
import { clampedLog } from "../slope.js";
import { encodedBoxes } from "./box-code.js";
import type { Matches } from "./multibox-match.js";
import { clampedTo, classesOf, type PriorLabels, offsetsOf, within } from "./multibox-places.js";

type P = MultiBoxLossParameter;

/** The loss of each prior [n, p] as background. */
export function backgroundLoss(param: P, scores: Value): Value {
  const [n, p] = scores.type.shape as [number, number, number];
  const label = param.background_label_id;
  const own = (x: Value) => reshape(slice(x, 2, label, label + 1), [n, p]);
  if (param.conf_loss_type === Conf.LOGISTIC) return sub(reduceSum(softplus(scores), [2]), own(scores));
  return neg(clampedLog(own(logSoftmax(scores, 2))));
}

/** Settings of the losses of scores. */
export interface ConfidenceTerm {
  readonly mining: number;
  /** Factor and exponent of a focal loss. */
  readonly alpha?: number;
  readonly gamma?: number;
}

/** The losses of the scores of each prior [n, p], by its class or as background. */
export function confidenceLosses(
  param: P,
  scores: Value,
  labels: PriorLabels,
  { mining, alpha, gamma }: ConfidenceTerm,
): Value {
  const [n, p] = scores.type.shape as [number, number, number];
  const own = (x: Value) => reshape(gatherElements(x, reshape(labels.last, [n, p, 1]), 2), [n, p]);
  if (param.conf_loss_type === Conf.LOGISTIC) {
    // Without mining the background's own score has no target of 1.
    const hit = mining === Mining.NONE ? reduceSum(mul(scores, labels.all), [2]) : own(scores);
    return sub(reduceSum(softplus(scores), [2]), hit);
  }
  const picked = own(logSoftmax(scores, 2));
  const logOfLabel = clampedLog(picked);
  if (alpha === undefined || gamma === undefined) return neg(logOfLabel);
  return mul(mul(pow(sub(constant(1), exp(picked)), constant(gamma)), logOfLabel), constant(-alpha));
}

/** Boxes of the ground truth [g, 8], boxes that offsets are to, and boxes whose corners are inside of the image or not. */
interface Places {
  readonly truth: Value;
  readonly priors: Value;
  readonly inside: Value;
}

/** The losses of the offsets of each prior [n, p], or [n * classes, p], 0 of those that are not matched. */
export function locationLosses(site: Site<P>, matches: Matches, { truth, priors, inside }: Places): Value {
  const { param, error } = site;
  const [n, p] = matches.matched.type.shape as [number, number];
  const row = cast(matches.index, "int64");
  const offsets = ownOffsets(site, truth, matches.index);
  const target = encodedBoxes(param.code_type, gather(slice(truth, 1, 3, 7), row, 0), priors);
  const variance = slice(reshape(site.bottoms[2]!, [2, p, 4]), 0, 1, 2);
  // Targets are divided by the variances, and predictions too where these are in the target.
  const raw = param.encode_variance_in_target
    ? div(sub(offsets, target), variance)
    : sub(offsets, div(target, variance));
  const isMatched = greater(reshape(matches.matched, [n, p, 1]), constant(0));
  const counts = param.bp_inside ? and(isMatched, within(inside)) : isMatched;
  const d = where(counts, raw, constant(0));
  if (param.loc_loss_type === Loc.L2) return mul(reduceSum(mul(d, d), [2]), constant(0.5));
  if (param.loc_loss_type !== Loc.SMOOTH_L1)
    throw error(`unknown loc_loss_type ${param.loc_loss_type}`, "loc_loss_type");
  const size = abs(d);
  const each = where(less(size, constant(1)), mul(mul(d, d), constant(0.5)), sub(size, constant(0.5)));
  return reduceSum(each, [2]);
}

/** Offsets of each prior [n, p, 4]: shared, or those of the class of its match; [n * classes, p, 4] where each class has matches. */
function ownOffsets({ param, bottoms }: Site<P>, truth: Value, index: Value): Value {
  const [n, p] = index.type.shape as [number, number];
  const given = bottoms[0]!;
  if (param.share_location || !param.use_prior_for_matching) return offsetsOf(param, given, p);
  const classes = param.num_classes;
  const label = indicesOf(clampedTo(classesOf(param, truth, index), classes - 1), classes);
  const places = expand(reshape(label, [n, p, 1, 1]), [n, p, 1, 4]);
  return reshape(gatherElements(reshape(given, [n, p, classes, 4]), places, 2), [n, p, 4]);
}
