import { has, sub as message } from "../../caffe/message.js";
import {
  MultiBoxLossParameter_MiningType as Mining,
  type MultiBoxLossParameter,
  PriorBoxParameter_CodeType as CodeType,
} from "../../caffe/messages.js";
import { constant, type Value } from "../../graph/index.js";
import { gatherNd, nonMaxSuppression, scatterNd } from "../../ops/detection.js";
import {
  add,
  and,
  cast,
  concat,
  expand,
  floor,
  greater,
  greaterOrEqual,
  less,
  max,
  mul,
  not,
  reduceMax,
  reduceSum,
  reshape,
  slice,
  stopGradient,
  where,
} from "../../ops/index.js";
import { rankOf } from "../indices.js";
import type { Site } from "../layer.js";
import { decodedBoxes } from "./box-code.js";
import type { Candidates, Matches } from "./multibox-match.js";
import { type Boxes, type PriorLabels, offsetsOf } from "./multibox-places.js";
import { backgroundLoss, confidenceLosses, locationLosses } from "./multibox-terms.js";

type P = MultiBoxLossParameter;

/** Values that priors are mined by. */
interface Mine {
  readonly matches: Matches;
  readonly candidates: Candidates;
  readonly boxes: Boxes;
  /** Ground truth [g, 8]. */
  readonly truth: Value;
  /** Scores [n, p, classes]. */
  readonly scores: Value;
  readonly labels: PriorLabels;
  readonly mining: number;
}

/** Priors that count, float32 0 or 1 [n, p]. */
interface Mined {
  /** Matched ones. */
  readonly positive: Value;
  /** Others, which stand for the background. */
  readonly more: Value;
}

/**
 * The priors that count. MAX_NEGATIVE: all that are matched, and of those of an item with boxes that nothing is matched with, and that
 * overlap less than `neg_overlap`, the ones of the greatest loss as background. HARD_EXAMPLE: of each item with boxes the `sample_size`
 * priors of the greatest loss, that of offsets and of scores: of those that are matched the ones that stay so, and of the others
 * those that stand for the background.
 */
export function mined(site: Site<P>, mine: Mine): Mined {
  const { param } = site;
  const { matches, candidates, scores } = mine;
  const isMatched = greater(matches.matched, constant(0));
  const isOwned = greater(reduceMax(candidates.owners, [1], true), constant(0));
  const { barred } = mine.boxes;
  const isFree = barred ? and(not(isMatched), not(greater(barred, constant(0)))) : not(isMatched);
  const object = objects(site, scores);
  const mask = (x: Value) => stopGradient(cast(x, "float32"));
  if (mine.mining === Mining.HARD_EXAMPLE) {
    const eligible = object ? and(isOwned, object) : isOwned;
    const chosen = greatest(site, mine, hardness(site, mine), eligible, constant(param.sample_size));
    return { positive: mask(and(chosen, isMatched)), more: mask(and(chosen, isFree)) };
  }
  const low = and(and(isFree, less(matches.overlap, constant(param.neg_overlap))), isOwned);
  const eligible = object ? and(low, object) : low;
  const wanted = floor(mul(reduceSum(matches.matched, [1], true), constant(param.neg_pos_ratio)));
  const loss = backgroundLoss(param, stopGradient(scores));
  return { positive: matches.matched, more: mask(greatest(site, mine, loss, eligible, wanted)) };
}

/** Mask of the priors in which RefineDet's first stage finds an object, bool [n, p]; undefined without a first stage. */
function objects({ param, bottoms }: Site<P>, scores: Value): Value | undefined {
  const [n, p] = scores.type.shape as [number, number, number];
  const first = bottoms[4];
  if (!first) return undefined;
  const object = reshape(slice(reshape(stopGradient(first), [n, p, 2]), 2, 1, 2), [n, p]);
  return greaterOrEqual(object, constant(param.objectness_score));
}

/** The loss of each prior [n, p]. RefineDet's offsets count here as if they were to the priors themselves, as in its Caffe. */
function hardness(site: Site<P>, { matches, boxes, truth, scores, labels, mining }: Mine): Value {
  const { priors, compared } = boxes;
  const inside = site.param.use_prior_for_matching ? priors : compared;
  const location = locationLosses(site, matches, { truth, priors, inside });
  return stopGradient(add(location, confidenceLosses(site.param, scores, labels, { mining })));
}

/** Mask of the `wanted` eligible priors of the greatest loss of each item, bool [n, p]; with `nms_param` of those that no harder one overlaps. */
function greatest(site: Site<P>, { boxes }: Mine, loss: Value, eligible: Value, wanted: Value): Value {
  // Losses are not below 0.
  const losses = where(eligible, loss, constant(-1));
  const { param } = site;
  const nms = message(param, "nms_param");
  if (!has(param, "nms_param") || !(nms.nms_threshold > 0)) return and(eligible, less(rankOf(losses), wanted));
  const most = has(nms, "top_k") && nms.top_k > -1 ? nms.top_k : undefined;
  const tried = most === undefined ? eligible : and(eligible, less(rankOf(losses), constant(most)));
  const apart = and(tried, survivors(site, boxes, where(tried, loss, constant(-1)), nms.nms_threshold));
  return and(apart, less(rankOf(where(apart, loss, constant(-1))), wanted));
}

/** Priors that none of a greater loss overlaps by more than a threshold, bool [n, p]; losses below 0 are of priors that do not count. */
function survivors({ param, bottoms }: Site<P>, boxes: Boxes, losses: Value, overlap: number): Value {
  const [n, p] = losses.type.shape as [number, number];
  const { priors, variances } = boxes;
  const scale = param.encode_variance_in_target ? undefined : variances;
  const corners = param.use_prior_for_nms
    ? expand(priors, [n, p, 4])
    : decodedBoxes(param.code_type, stopGradient(offsetsOf(param, bottoms[0]!, p)), priors, scale);
  const [low, high] = [slice(corners, 2, 0, 2), slice(corners, 2, 2, 4)];
  // A box whose corners are swapped overlaps nothing in Caffe; ONNX would swap them back.
  const ordered = param.code_type === CodeType.CENTER_SIZE ? corners : concat([low, max(low, high)], 2);
  const scores = reshape(losses, [n, 1, p]);
  const kept = nonMaxSuppression(ordered, scores, { most: p, overlap, score: -0.5, selected: n * p });
  const ones = gatherNd(expand(constant(1), [n, 1, p]), kept);
  return greater(reshape(scatterNd(expand(constant(0), [n, 1, p]), kept, ones), [n, p]), constant(0));
}
