import { has, sub as message } from "../../caffe/message.js";
import {
  MultiBoxLossParameter_ConfLossType as Conf,
  MultiBoxLossParameter_MatchType as Match,
  MultiBoxLossParameter_MiningType as Mining,
  type MultiBoxLossParameter,
} from "../../caffe/messages.js";
import { constant, count } from "../../graph/index.js";
import { add, mul, reshape, stopGradient, sumAll } from "../../ops/index.js";
import { bottomText, type ComputeLayer, computeLayer, type ParamField, type Place, type Site } from "../layer.js";
import { normalizationMode, normalized, normalizer } from "../loss.js";
import { matchBoxes } from "./multibox-match.js";
import { mined } from "./multibox-mining.js";
import { boxesOf, matchCandidates, priorLabels, ofClasses } from "./multibox-places.js";
import { type ConfidenceTerm, confidenceLosses, locationLosses } from "./multibox-terms.js";

type P = MultiBoxLossParameter;

/**
 * MultiBoxLoss (SSD): priors are matched with the boxes of their item; then (loc_weight * sum over matched priors of the loss of their
 * offsets + sum of the loss of scores over matched priors and the hardest of the others, `neg_pos_ratio` for each matched one of the
 * item; with HARD_EXAMPLE over the `sample_size` hardest of all) / what `loss_param` says, VALID being the number of matched priors.
 * Bottoms: offsets [n, p*4] (times classes without `share_location`), scores [n, p*classes], priors [1, 2, p*4] and boxes [1, 1, g, 8]
 * of (item, class, instance, x1, y1, x2, y2, difficult), rows of item -1 being none; a scalar. Items without boxes count for nothing
 * where negatives are mined. Without `use_prior_for_matching` it is the predicted boxes that are matched, those of each class with the
 * boxes of the class; with `bp_inside` corners out of the image have no loss. With `nms_param` the hardest do not overlap each other.
 * RefineDet's second stage has two bottoms more, both without a gradient: scores of background and object [n, p*2], of which an object's
 * is at least `objectness_score` or the prior is not mined, and offsets [n, p*4] that make the boxes which stand for the priors. As in
 * its Caffe, labels of more than one class are 1 where there are two classes.
 * Source: Liu et al. 2016, SSD; Zhang et al. 2018, RefineDet; the rules are those of their Caffe (multibox_loss_layer.cpp, bbox_util.cpp).
 */
export const MultiBoxLoss = multiBox("MultiBoxLoss", ["loss_param"], () => ({}));

/**
 * MultiBoxFocalLoss (forks of SSD): MultiBoxLoss whose loss of scores is, of each prior that counts, alpha (1 - p)^gamma times what it
 * is there, p being the softmax's probability of its class. What is mined is mined by the loss without that factor.
 */
export const MultiBoxFocalLoss = multiBox(
  "MultiBoxFocalLoss",
  ["focal_loss_param", "loss_param"],
  ({ layer, param, error }) => {
    const { alpha, gamma } = message(layer, "focal_loss_param");
    if (param.conf_loss_type === Conf.LOGISTIC)
      throw error("a focal loss is of conf_loss_type SOFTMAX", "conf_loss_type");
    return { alpha, gamma };
  },
);

function multiBox(
  type: string,
  also: readonly ParamField[],
  focal: (site: Site<P>) => Partial<ConfidenceTerm>,
): ComputeLayer {
  return computeLayer({
    type,
    param: "multibox_loss_param",
    also,
    bottoms: [4, 6],
    tops: 1,
    exact: true,
    loss: true,
    skipsEmptyRows: true,
    inference: { as: "prediction" },
    labels: ({ multibox_loss_param: param }) =>
      param && !param.map_object_to_agnostic && param.num_classes !== 2 ? boxLabels(param.num_classes) : undefined,
    lower(site) {
      const { n, p, g, mining } = checked(site);
      const { param } = site;
      const truth = stopGradient(reshape(site.bottoms[3]!, [g, 8]));
      const boxes = boxesOf(site);
      const candidates = matchCandidates(site, truth, boxes);
      const threshold = param.match_type === Match.PER_PREDICTION ? param.overlap_threshold : undefined;
      const found = matchBoxes(candidates, threshold);
      const matched =
        param.share_location || !param.use_prior_for_matching
          ? found.matched
          : mul(found.matched, ofClasses(param, truth, found.index));
      const matches = {
        matched: stopGradient(matched),
        index: stopGradient(found.index),
        overlap: stopGradient(found.overlap),
      };
      const scores = reshape(site.bottoms[1]!, [n, p, param.num_classes]);
      const labels = priorLabels(param, truth, matches, n);
      const confidence = confidenceLosses(param, scores, labels, { mining, ...focal(site) });
      const location = locationLosses(site, matches, { truth, priors: boxes.anchors, inside: boxes.inside });
      const { positive, more } =
        mining === Mining.NONE
          ? { positive: matches.matched, more: undefined }
          : mined(site, { matches, candidates, boxes, truth, scores, labels, mining });
      const counted = more ? mul(confidence, add(positive, more)) : confidence;
      const sum = add(mul(sumAll(mul(location, positive)), constant(param.loc_weight)), sumAll(counted));
      return { tops: [normalized(sum, normalizer(normalizationMode(site), n, p, sumAll(positive)))] };
    },
  });
}

/** Classes in column 1 of the boxes. */
const boxLabels = (classes: number) => ({ bottom: 3, column: 1, classes });

/** Numbers of items, priors and boxes, and how negatives are mined. Throws for what the forks refuse. */
function checked(place: Place<P>) {
  const { param, bottoms, error, bottomError } = place;
  const [offsets, scores, priors, truth] = bottoms.map(({ type }) => type.shape) as [
    number[],
    number[],
    number[],
    number[],
  ];
  if (!has(param, "num_classes") || param.num_classes < 1) throw error("num_classes must be given", "num_classes");
  const mining =
    has(param, "do_neg_mining") && !param.do_neg_mining && !has(param, "mining_type") ? Mining.NONE : param.mining_type;
  if (!param.share_location && mining !== Mining.NONE)
    throw error("priors are mined with share_location alone, as in SSD's Caffe: give mining_type: NONE", "mining_type");
  if (!param.share_location && bottoms.length > 4)
    throw error("offsets of a first stage go with share_location, as in RefineDet's Caffe", "share_location");
  if (bottoms.length > 4 && has(param, "nms_param") && message(param, "nms_param").nms_threshold > 0)
    throw error("RefineDet's Caffe suppresses other priors than it mines", "nms_param");
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
  [2, 4].forEach((numbers, i) => {
    const shape = bottoms[4 + i]?.type.shape;
    if (shape && (shape[0] !== n || count(shape, 1) !== p * numbers))
      throw bottomError(
        4 + i,
        `${bottomText(place, 4 + i)} does not have ${numbers} numbers for each of ${p} priors of ${n} items`,
      );
  });
  return { n, p, g: count(truth) / 8, mining };
}
