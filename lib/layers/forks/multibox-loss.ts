import { has, sub as message } from "../../caffe/message.js";
import {
  MultiBoxLossParameter_ConfLossType as Conf,
  MultiBoxLossParameter_LocLossType as Loc,
  MultiBoxLossParameter_MatchType as Match,
  MultiBoxLossParameter_MiningType as Mining,
  type MultiBoxLossParameter,
} from "../../caffe/messages.js";
import { arange, constant, count, type Value } from "../../graph/index.js";
import { scatter } from "../../ops/detection.js";
import {
  abs,
  add,
  and,
  cast,
  div,
  equal,
  expand,
  floor,
  gather,
  gatherElements,
  greater,
  greaterOrEqual,
  less,
  logSoftmax,
  max,
  min,
  mul,
  neg,
  not,
  reduceMax,
  reduceSum,
  reshape,
  slice,
  softplus,
  stopGradient,
  sub,
  sumAll,
  topK,
  transpose,
  where,
  zeros,
} from "../../ops/index.js";
import { indicesOf } from "../indices.js";
import { bottomText, computeLayer, type Place, type Site } from "../layer.js";
import { normalizationMode, normalized, normalizer } from "../loss.js";
import { passThrough } from "../slope.js";
import { decodedBoxes, encodedBoxes } from "./box-code.js";
import { type Matches, matchBoxes } from "./multibox-match.js";

/** log of the smallest normal float: Caffe takes the log of max(p, FLT_MIN). */
const LOG_FLT_MIN = Math.log(1.1754943508222875e-38);

type P = MultiBoxLossParameter;

/**
 * MultiBoxLoss (SSD): priors are matched with the boxes of their item; then (loc_weight * sum over matched priors of the loss of their
 * offsets + sum of the loss of scores over matched priors and the hardest of the others, `neg_pos_ratio` for each matched one of the
 * item; with HARD_EXAMPLE over the `sample_size` hardest of all) / what `loss_param` says, VALID being the number of matched priors.
 * Bottoms: offsets [n, p*4] (times classes without `share_location`: those of the match's class count), scores [n, p*classes], priors [1, 2, p*4] and boxes [1, 1, g, 8] of (item, class, instance, x1, y1, x2,
 * y2, difficult), rows of item -1 being none; a scalar. Items without boxes count for nothing where negatives are mined. Without
 * `use_prior_for_matching` it is the predicted boxes that are matched; with `bp_inside` corners out of the image have no loss.
 * Source: Liu et al. 2016, SSD; the rules are those of its Caffe.
 */
export const MultiBoxLoss = computeLayer({
  type: "MultiBoxLoss",
  param: "multibox_loss_param",
  also: ["loss_param"],
  bottoms: 4,
  tops: 1,
  exact: true,
  loss: true,
  skipsEmptyRows: true,
  inference: { as: "prediction" },
  labels: ({ multibox_loss_param: param }) =>
    param && !param.map_object_to_agnostic ? boxLabels(param.num_classes) : undefined,
  lower(site) {
    const sizes = checked(site);
    const { param } = site;
    const { n, p, g, mining } = sizes;
    const truth = stopGradient(reshape(site.bottoms[3]!, [g, 8]));
    const priors = stopGradient(reshape(site.bottoms[2]!, [2, p, 4]));
    const boxes = comparedBoxes(site, priors);
    const owners = ownersOf(param, truth, n);
    const barred = param.ignore_cross_boundary_bbox ? crossing(boxes) : undefined;
    const threshold = param.match_type === Match.PER_PREDICTION ? param.overlap_threshold : undefined;
    // Of predictions, each box is compared with those of its own item.
    const ofItem = (x: Value) => (param.use_prior_for_matching ? x : gather(x, itemsOf(truth, n), 0));
    const found = matchBoxes(
      { truth: slice(truth, 1, 3, 7), owners, priors: ofItem(boxes), barred: barred && ofItem(barred) },
      threshold,
    );
    const { index, overlap } = found;
    const matched = param.share_location ? found.matched : mul(found.matched, ofClasses(param, truth, index));
    const all = { matched: stopGradient(matched), index: stopGradient(index), overlap: stopGradient(overlap) };
    const scores = reshape(site.bottoms[1]!, [n, p, param.num_classes]);
    const location = locationLosses(site, all, { truth, priors, boxes });
    const confidence = confidenceLosses(param, scores, labelsOf(param, truth, all), all.matched, mining);
    const owned = { matches: all, owners, barred };
    const { positive, mined } =
      mining === Mining.NONE
        ? { positive: all.matched, mined: undefined }
        : mining === Mining.HARD_EXAMPLE
          ? hardest(param, stopGradient(add(location, confidence)), owned)
          : { positive: all.matched, mined: negatives(param, stopGradient(scores), owned) };
    const counted = mined ? mul(confidence, add(positive, mined)) : confidence;
    const sum = add(mul(sumAll(mul(location, positive)), constant(param.loc_weight)), sumAll(counted));
    const by = normalizer(normalizationMode(site), n, p, sumAll(positive));
    return { tops: [normalized(sum, by)] };
  },
});

/** Classes in column 1 of the boxes. */
const boxLabels = (classes: number) => ({ bottom: 3, column: 1, classes });

/** Numbers of items, priors and boxes, and how negatives are mined. Throws for what SSD's Caffe refuses, and what is not supported. */
function checked(place: Place<P>) {
  const { param, bottoms, error, bottomError } = place;
  const [offsets, scores, priors, truth] = bottoms.map(({ type }) => type.shape) as [
    number[],
    number[],
    number[],
    number[],
  ];
  if (!has(param, "num_classes") || param.num_classes < 1) throw error("num_classes must be given", "num_classes");
  if (!param.share_location && !param.use_prior_for_matching)
    throw error(
      "matching by the predictions of each class is not supported: give share_location or use_prior_for_matching",
      "use_prior_for_matching",
    );
  if (has(param, "nms_param") && message(param, "nms_param").nms_threshold > 0)
    throw error("non-maximum suppression of negatives is not supported", "nms_param");
  const mining =
    has(param, "do_neg_mining") && !param.do_neg_mining && !has(param, "mining_type") ? Mining.NONE : param.mining_type;
  if (!param.share_location && mining !== Mining.NONE)
    throw error("priors are mined with share_location alone, as in SSD's Caffe: give mining_type: NONE", "mining_type");
  if (mining === Mining.HARD_EXAMPLE && param.sample_size < 1)
    throw error(`sample_size is ${param.sample_size}; it must be positive`, "sample_size");
  if (param.conf_loss_type === Conf.LOGISTIC && param.background_label_id !== 0)
    throw error("LOGISTIC takes background_label_id 0", "background_label_id");
  if (param.map_object_to_agnostic && param.num_classes !== 2)
    throw error("with map_object_to_agnostic there are 2 classes", "num_classes");
  const p = count(priors, 2) / 4;
  if (priors.length < 3 || priors[0] !== 1 || priors[1] !== 2 || !Number.isInteger(p))
    throw bottomError(2, `${bottomText(place, 2)} are not priors [1, 2, boxes * 4]`);
  const n = offsets[0]!;
  const each = param.share_location ? 4 : 4 * param.num_classes;
  if (count(offsets, 1) !== each * p)
    throw bottomError(0, `${bottomText(place, 0)} does not have ${each} offsets for each of ${p} priors`);
  if (scores[0] !== n || count(scores, 1) !== p * param.num_classes)
    throw bottomError(
      1,
      `${bottomText(place, 1)} does not have ${param.num_classes} scores for each of ${p} priors of ${n} items`,
    );
  if (truth.at(-1) !== 8) throw bottomError(3, `${bottomText(place, 3)} are not boxes [1, 1, g, 8]`);
  return { n, p, g: count(truth) / 8, mining };
}

/** Mask of the boxes that count for each item, float32 0 or 1 [n, g]. */
function ownersOf({ use_difficult_gt: all }: P, truth: Value, n: number): Value {
  const column = (i: number) => transpose(slice(truth, 1, i, i + 1), [1, 0]);
  const items = arange(n, [n, 1]);
  const belongs = equal(column(0), items);
  return cast(all ? belongs : and(belongs, equal(column(7), constant(0))), "float32");
}

/** Corners of what is compared with the ground truth: priors [p, 4], or predictions [n, p, 4] without `use_prior_for_matching`. */
function comparedBoxes({ param, bottoms }: Site<P>, priors: Value): Value {
  const [, p] = priors.type.shape as [number, number, number];
  const [boxes, variances] = [0, 1].map((i) => reshape(slice(priors, 0, i, i + 1), [p, 4])) as [Value, Value];
  if (param.use_prior_for_matching) return boxes;
  const offsets = reshape(stopGradient(bottoms[0]!), [bottoms[0]!.type.shape[0]!, p, 4]);
  return decodedBoxes(param.code_type, offsets, boxes, param.encode_variance_in_target ? undefined : variances);
}

/** A column of the ground truth [g, 8] as [g]. */
const columnOf = (truth: Value, i: number) => reshape(slice(truth, 1, i, i + 1), [truth.type.shape[0]!]);

/** Items of the boxes [g], of boxes of none the first. */
const itemsOf = (truth: Value, n: number) => indicesOf(max(columnOf(truth, 0), constant(0)), n);

/** Priors whose match has a class with offsets of its own, float32 0 or 1 [n, p]. */
function ofClasses(param: P, truth: Value, index: Value): Value {
  const label = gather(columnOf(truth, 1), cast(index, "int64"), 0);
  return cast(less(label, constant(param.num_classes)), "float32");
}

/** Numbers from 0 to a last one. */
const clampedTo = (x: Value, last: number) => min(max(x, constant(0)), constant(last));

/** Corners in the image. */
const within = (x: Value) => and(greaterOrEqual(x, constant(0)), greaterOrEqual(constant(1), x));

/** Boxes [..., p, 4] that reach out of the image, float32 0 or 1 [..., p]. */
const crossing = (boxes: Value) => reduceMax(cast(not(within(boxes)), "float32"), [boxes.type.shape.length - 1]);

/** The class of each prior [n, p], background where nothing is matched, as int64. */
function labelsOf(param: P, truth: Value, { matched, index }: Matches): Value {
  const labels = columnOf(truth, 1);
  const own = param.map_object_to_agnostic
    ? constant(param.background_label_id + 1)
    : gather(labels, cast(index, "int64"), 0);
  const all = where(greater(matched, constant(0)), own, constant(param.background_label_id));
  return indicesOf(all, param.num_classes);
}

/**
 * Priors that stand for the background [n, p], float32 0 or 1: of those of an item that nothing is matched with, and that overlap less
 * than `neg_overlap`, the ones of the greatest loss as background.
 */
function negatives(
  param: P,
  scores: Value,
  { matches, owners, barred }: { matches: Matches; owners: Value; barred: Value | undefined },
) {
  const { matched, overlap } = matches;
  const background = backgroundLoss(param, scores);
  const low = and(not(greater(matched, constant(0))), less(overlap, constant(param.neg_overlap)));
  const allowed = barred ? and(low, not(greater(barred, constant(0)))) : low;
  const eligible = and(allowed, greater(reduceMax(owners, [1], true), constant(0)));
  // Losses are not below 0.
  const rank = rankOf(where(eligible, background, constant(-1)));
  const wanted = floor(mul(reduceSum(matched, [1], true), constant(param.neg_pos_ratio)));
  return stopGradient(cast(and(eligible, less(rank, wanted)), "float32"));
}

/**
 * Of each item with boxes the `sample_size` priors of the greatest loss, that of offsets and of scores: of those that are matched the
 * ones that stay so, and of the others those that stand for the background; float32 0 or 1 [n, p].
 */
function hardest(
  param: P,
  losses: Value,
  { matches, owners, barred }: { matches: Matches; owners: Value; barred: Value | undefined },
) {
  const isMatched = greater(matches.matched, constant(0));
  const isOwned = greater(reduceMax(owners, [1], true), constant(0));
  const chosen = and(less(rankOf(losses), constant(param.sample_size)), isOwned);
  const allowed = barred ? and(not(isMatched), not(greater(barred, constant(0)))) : not(isMatched);
  const mask = (x: Value) => stopGradient(cast(x, "float32"));
  return { positive: mask(and(chosen, isMatched)), mined: mask(and(chosen, allowed)) };
}

/** Places of values [n, p] in the falling order of their row, of equal ones the first first. */
function rankOf(values: Value): Value {
  const [n, p] = values.type.shape as [number, number];
  const order = topK(values, 1, p).indices;
  const ranks = arange(p);
  return scatter(zeros([n, p]), order, expand(ranks, [n, p]), 1);
}

/** The loss of each prior [n, p] as background. */
function backgroundLoss(param: P, scores: Value): Value {
  const [n, p] = scores.type.shape as [number, number, number];
  const label = param.background_label_id;
  const own = (x: Value) => reshape(slice(x, 2, label, label + 1), [n, p]);
  if (param.conf_loss_type === Conf.LOGISTIC) return sub(reduceSum(softplus(scores), [2]), own(scores));
  return neg(max(own(logSoftmax(scores, 2)), constant(LOG_FLT_MIN)));
}

/** The losses of the scores of each prior [n, p], by its class or as background. */
function confidenceLosses(param: P, scores: Value, labels: Value, matched: Value, mining: number): Value {
  const [n, p] = scores.type.shape as [number, number, number];
  const own = (x: Value) => reshape(gatherElements(x, reshape(labels, [n, p, 1]), 2), [n, p]);
  if (param.conf_loss_type === Conf.LOGISTIC) {
    // Without mining the background's own score has no target of 1.
    const hit = mining === Mining.NONE ? mul(own(scores), matched) : own(scores);
    return sub(reduceSum(softplus(scores), [2]), hit);
  }
  const picked = own(logSoftmax(scores, 2));
  return neg(passThrough(max(picked, constant(LOG_FLT_MIN)), picked));
}

/** Boxes of the ground truth and what they are compared with. */
interface Places {
  readonly truth: Value;
  readonly priors: Value;
  readonly boxes: Value;
}

/** The losses of the offsets of each prior [n, p], 0 of those that are not matched. */
function locationLosses(site: Site<P>, matches: Matches, { truth, priors, boxes }: Places): Value {
  const { param, error } = site;
  const [n, p] = matches.matched.type.shape as [number, number];
  const row = cast(matches.index, "int64");
  const offsets = ownOffsets(site, truth, row);
  const target = encodedBoxes(param.code_type, gather(slice(truth, 1, 3, 7), row, 0), slice(priors, 0, 0, 1));
  const variance = slice(priors, 0, 1, 2);
  // Targets are divided by the variances, and predictions too where these are in the target.
  const raw = param.encode_variance_in_target
    ? div(sub(offsets, target), variance)
    : sub(offsets, div(target, variance));
  const isMatched = greater(reshape(matches.matched, [n, p, 1]), constant(0));
  const counts = param.bp_inside ? and(isMatched, within(boxes)) : isMatched;
  const d = where(counts, raw, constant(0));
  if (param.loc_loss_type === Loc.L2) return mul(reduceSum(mul(d, d), [2]), constant(0.5));
  if (param.loc_loss_type !== Loc.SMOOTH_L1)
    throw error(`unknown loc_loss_type ${param.loc_loss_type}`, "loc_loss_type");
  const size = abs(d);
  const each = where(less(size, constant(1)), mul(mul(d, d), constant(0.5)), sub(size, constant(0.5)));
  return reduceSum(each, [2]);
}

/** Offsets of each prior [n, p, 4]: shared, or those of the class of its match (a row of the ground truth [n, p]). */
function ownOffsets({ param, bottoms }: Site<P>, truth: Value, row: Value): Value {
  const [n, p] = row.type.shape as [number, number];
  if (param.share_location) return reshape(bottoms[0]!, [n, p, 4]);
  const classes = param.num_classes;
  const label = indicesOf(clampedTo(gather(columnOf(truth, 1), row, 0), classes - 1), classes);
  const index = expand(reshape(label, [n, p, 1, 1]), [n, p, 1, 4]);
  return reshape(gatherElements(reshape(bottoms[0]!, [n, p, classes, 4]), index, 2), [n, p, 4]);
}
