import { has, sub as message } from "../../caffe/message.js";
import { type DetectionOutputParameter, PriorBoxParameter_CodeType as CodeType } from "../../caffe/messages.js";
import { constant, constantOf, count, type Value } from "../../graph/index.js";
import {
  add,
  cast,
  concat,
  div,
  exp,
  expand,
  gather,
  max,
  min,
  mul,
  reshape,
  slice,
  sub,
  topK,
  transpose,
} from "../../ops/index.js";
import { firstOf, lengthOf, nonMaxSuppression, scatter, topKOf, unsqueeze } from "../../ops/detection.js";
import { computeLayer, type Place, type Site } from "../layer.js";

/** A score below every threshold, for boxes that are not to be selected. */
const NEVER = -1;
/** Boxes of a class that are looked at where `top_k` does not say. */
const NO_LIMIT = 2 ** 31 - 1;

const int64 = (...values: number[]) => constantOf("int64", BigInt64Array.from(values, BigInt), [values.length]);
const at = (i: number) => constantOf("int64", BigInt64Array.of(BigInt(i)), []);

/**
 * DetectionOutput (SSD): boxes from predicted offsets to priors, non-maximum suppression for each class, the best `keep_top_k` of
 * all. Bottoms: offsets [1, boxes*4] (times classes without `share_location`), scores [1, boxes*classes], priors [1, 2, boxes*4].
 * Top [1, 1, found, 7]: rows of (item, class, score, x1, y1, x2, y2) by class and falling score, or one row of (0, -1...) where
 * nothing is found. One item at a time; inference only.
 */
export const DetectionOutput = computeLayer({
  type: "DetectionOutput",
  param: "detection_output_param",
  bottoms: 3,
  tops: 1,
  inferenceOnly: true,
  lower(site) {
    const { param } = site;
    const nms = message(param, "nms_param");
    const boxes = priorsOf(site);
    const { num_classes: classes } = param;
    if (site.bottoms[0]!.type.shape[0] !== 1) throw site.bottomError(0, "DetectionOutput works on one item at a time");
    if (has(nms, "eta") && nms.eta !== 1) throw site.error("eta other than 1 is not supported", "nms_param");
    const decoded = decode(site, boxes);
    const kept = Array.from({ length: classes }, (_, c) => c).filter((c) => c !== param.background_label_id);
    const scores = gather(transpose(reshape(site.bottoms[1]!, [1, boxes, classes]), [0, 2, 1]), int64(...kept), 1);
    const most = Math.min(boxes, has(nms, "top_k") && nms.top_k > 0 ? nms.top_k : NO_LIMIT);
    const candidates = most < boxes ? best(scores, most) : scores;
    // Without shared boxes each class has boxes of its own: as many items of one class each.
    const perClass = !param.share_location;
    const ownBoxes = perClass ? gather(decoded, int64(...kept), 0) : decoded;
    const ownScores = perClass ? transpose(candidates, [1, 0, 2]) : candidates;
    const settings = {
      most,
      overlap: nms.nms_threshold,
      score: has(param, "confidence_threshold") ? param.confidence_threshold : -1e30,
    };
    const limit = param.keep_top_k > 0 ? Math.min(param.keep_top_k, kept.length * most) : kept.length * most;
    const found = (selected: number) => nonMaxSuppression(ownBoxes, ownScores, { ...settings, selected });
    const length = (all: Value) => min(lengthOf(all), int64(limit));
    const rows = site.size(cast(reshape(max(length(found(limit)), int64(1)), []), "float32"), limit);
    return { tops: [output(found(rows), length(found(rows)), rows)] };

    function output(all: Value, n: Value, size: number): Value {
      const [klass, box] = [perClass ? 0 : 1, 2].map((column) => gather(all, at(column), 1)) as [Value, Value];
      const score = gather(reshape(scores, [count(scores.type.shape)]), add(mul(klass, at(boxes)), box), 0);
      // The best of all, then in their order again: by class and falling score.
      const chosen = topKOf(topKOf(score, n, size).indices, n, size, false).values;
      const classOf = gather(klass, chosen, 0);
      const corners = perClass
        ? gather(reshape(ownBoxes, [kept.length * boxes, 4]), add(mul(classOf, at(boxes)), gather(box, chosen, 0)), 0)
        : gather(reshape(ownBoxes, [boxes, 4]), gather(box, chosen, 0), 0);
      const label = gather(constant(Float32Array.from(kept), [kept.length]), classOf, 0);
      const first = mul(label, constant(0));
      const columns = [first, label, gather(score, chosen, 0)].map((x) => unsqueeze(x, [1]));
      const none = constant(Float32Array.of(0, -1, -1, -1, -1, -1, -1), [1, 7]);
      const withNone = concat([concat([...columns, corners], 1), none], 0);
      return unsqueeze(firstOf(withNone, max(n, int64(1)), size), [0, 1]);
    }
  },
});

/** The number of priors. Throws where the bottoms do not go together. */
function priorsOf({ bottoms, param, bottomError, error }: Place<DetectionOutputParameter>): number {
  const [offsets, scores, priors] = bottoms.map(({ type }) => type.shape) as [number[], number[], number[]];
  if (!has(param, "num_classes")) throw error("num_classes must be given", "num_classes");
  if (priors.length < 3 || priors[1] !== 2) throw bottomError(2, `priors are [1, 2, boxes * 4], not [${priors}]`);
  const boxes = count(priors, 2) / 4;
  const sets = param.share_location ? 1 : param.num_classes;
  if (count(offsets, 1) !== boxes * 4 * sets)
    throw bottomError(0, `[${offsets}] does not have 4 offsets for each of ${boxes} priors`);
  if (count(scores, 1) !== boxes * param.num_classes)
    throw bottomError(1, `[${scores}] does not have ${param.num_classes} scores for each of ${boxes} priors`);
  return boxes;
}

/** Only the best scores of each class [1, classes, boxes]; the others never count. */
function best(scores: Value, most: number): Value {
  const top = topK(scores, 2, most);
  return scatter(expand(constant(NEVER), scores.type.shape), top.indices, top.values, 2);
}

/** Corners of boxes [1 or classes, boxes, 4] from offsets to priors. */
function decode({ bottoms, param, error }: Site<DetectionOutputParameter>, boxes: number): Value {
  const sets = param.share_location ? 1 : param.num_classes;
  const offsets = transpose(reshape(bottoms[0]!, [boxes, sets, 4]), [1, 0, 2]);
  const priors = reshape(bottoms[2]!, [2, boxes, 4]);
  const prior = slice(priors, 0, 0, 1);
  const scaled = param.variance_encoded_in_target ? offsets : mul(offsets, slice(priors, 0, 1, 2));
  const half = (x: Value, i: number) => slice(x, 2, 2 * i, 2 * i + 2);
  const [low, high] = [half(prior, 0), half(prior, 1)];
  const size = sub(high, low);
  switch (param.code_type) {
    case CodeType.CORNER:
      return add(prior, scaled);
    case CodeType.CORNER_SIZE:
      return add(prior, mul(scaled, concat([size, size], 2)));
    case CodeType.CENTER_SIZE: {
      const centre = add(mul(half(scaled, 0), size), div(add(low, high), constant(2)));
      const extent = div(mul(exp(half(scaled, 1)), size), constant(2));
      return concat([sub(centre, extent), add(centre, extent)], 2);
    }
    default:
      throw error(`unknown code_type ${param.code_type}`, "code_type");
  }
}
