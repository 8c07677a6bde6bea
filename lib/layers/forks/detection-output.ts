import { has, sub as message } from "../../caffe/message.js";
import { PriorBoxParameter_CodeType as CodeType, type DetectionOutputParameter } from "../../caffe/messages.js";
import { constant, constantOf, count, type Value } from "../../graph/index.js";
import {
  firstOf,
  gatherNd,
  lengthOf,
  nonMaxSuppression,
  placesOf,
  scatter,
  scatterNd,
  unsqueeze,
} from "../../ops/detection.js";
import {
  cast,
  concat,
  div,
  equal,
  expand,
  gather,
  greaterOrEqual,
  max,
  mod,
  reshape,
  slice,
  topK,
  transpose,
  where,
} from "../../ops/index.js";
import { computeLayer, type Place, type Site } from "../layer.js";
import { decodedBoxes } from "./box-code.js";
import { filesToSaveBy, savedDetections } from "./save-output.js";

/** A score below every threshold, for boxes that are not to be selected. */
const NEVER = -3e38;
/** The threshold where none is given. */
const NO_THRESHOLD = -1e38;

/** Rows to pad to at most; where there may be more, the net is compiled for what is found. */
const MOST_PADDED = 20_000;

const int64 = (...values: number[]) => constantOf("int64", BigInt64Array.from(values, BigInt), [values.length]);
const at = (i: number) => constantOf("int64", BigInt64Array.of(BigInt(i)), []);

/**
 * DetectionOutput (SSD): boxes from predicted offsets to priors, non-maximum suppression for each class, the best `keep_top_k` of
 * each item. Bottoms: offsets [n, boxes*4] (times classes without `share_location`), scores [n, boxes*classes], priors
 * [1, 2, boxes*4]. Top [1, 1, found, 7]: rows of (item, class, score, x1, y1, x2, y2) by item, class and falling score; where
 * nothing is found in any item, a row of (item, -1...) for each. Inference only.
 * RefineDet's has two further bottoms, scores of background and object [n, boxes*2] and offsets [n, boxes*4]: these make the boxes that
 * the first bottom's offsets are to, and where an object's score is below `objectness_score` there is no class. `save_output_param` has
 * what is found written to files. With `normalized: false` priors are regions in pixels, rows of five (the item, which counts for
 * nothing, and corners), [boxes, 5] or [1, 1 or 2, boxes*5] with the variances of four each after them; corners are divided by
 * `input_width` and `input_height`.
 * Source: Liu et al. 2016, SSD; Zhang et al. 2018, RefineDet; of pixels OpenVINO's detection_output.hpp.
 */
export const DetectionOutput = computeLayer({
  type: "DetectionOutput",
  param: "detection_output_param",
  bottoms: [3, 5],
  tops: 1,
  inferenceOnly: true,
  exact: true,
  detections: true,
  sources: filesToSaveBy,
  lower(site) {
    const detector = detectorOf(site);
    const { items, most, classes } = detector;
    const { keep_top_k: keep } = site.param;
    const limit = Math.max(1, keep > -1 ? Math.min(keep, classes.length * most) : classes.length * most) * items;
    const saved = savedDetections(site);
    const lowered = (rows: Value) => ({
      tops: [unsqueeze(rows, [0, 1])],
      ...(saved && { file: { path: saved.folder, sets: { rows }, detections: saved } }),
    });
    if (limit <= MOST_PADDED && site.skipsEmptyRows(0)) return lowered(paddedRows(detector, limit));
    const rows = site.size(cast(reshape(output(detector, limit).end, []), "float32"), limit);
    const { table, end } = output(detector, rows);
    return lowered(firstOf(table, end, rows));
  },
});

/** As many rows as there can be, of -1 where nothing is found: the net is compiled once, whatever is found. */
function paddedRows(detector: Detector, size: number): Value {
  const { table, end } = output(detector, size);
  return firstOf(concat([firstOf(table, end, size), expand(constant(-1), [size, 7])], 0), int64(size), size);
}

/** Predictions of a detector. */
interface Detector {
  readonly param: DetectionOutputParameter;
  readonly items: number;
  readonly boxes: number;
  /** Labels of the classes but for the background. */
  readonly classes: readonly number[];
  /** Most boxes of a class. */
  readonly most: number;
  /** Corners [n, boxes, 4], or [n, classes, boxes, 4] where each class has boxes of its own. */
  readonly corners: Value;
  /** Scores [n, classes, boxes]. */
  readonly scores: Value;
}

function detectorOf(site: Site<DetectionOutputParameter>): Detector {
  const { param, bottoms } = site;
  const nms = message(param, "nms_param");
  const boxes = priorsOf(site);
  if (has(nms, "eta") && nms.eta !== 1) throw site.error("eta other than 1 is not supported", "nms_param");
  const { num_classes: count, background_label_id: background, keep_top_k: keep } = param;
  const items = bottoms[0]!.type.shape[0]!;
  const classes = Array.from({ length: count }, (_, c) => c).filter((c) => c !== background);
  const all = decode(site, items, boxes);
  const most = keep === 0 ? 0 : has(nms, "top_k") && nms.top_k > -1 ? Math.min(boxes, nms.top_k) : boxes;
  return {
    param,
    items,
    boxes,
    classes,
    most,
    corners: param.share_location ? reshape(all, [items, boxes, 4]) : gather(all, int64(...classes), 1),
    scores: whereObjects(
      site,
      boxes,
      gather(transpose(reshape(bottoms[1]!, [items, boxes, count]), [0, 2, 1]), int64(...classes), 1),
    ),
  };
}

/** Scores [n, classes, boxes], 0 for boxes that RefineDet's first stage finds no object in. */
function whereObjects({ bottoms, param }: Site<DetectionOutputParameter>, boxes: number, scores: Value): Value {
  if (!bottoms[3]) return scores;
  const object = slice(reshape(bottoms[3], [scores.type.shape[0]!, boxes, 2]), 2, 1, 2);
  const isObject = greaterOrEqual(transpose(object, [0, 2, 1]), constant(param.objectness_score));
  return where(isObject, scores, constant(0));
}

/** Rows for what is found, then a row for each item of nothing, and how many of them count. `size` rows are made room for. */
function output(detector: Detector, size: number): { readonly table: Value; readonly end: Value } {
  const { param, items, classes, corners, scores } = detector;
  const found = bestOf(detector, selected(detector, size), size);
  const column = (i: number) => gather(found, at(i), 1);
  const label = gather(constant(Float32Array.from(classes), [classes.length]), column(1), 0);
  const columns = [cast(column(0), "float32"), label, gatherNd(scores, found)].map((x) => unsqueeze(x, [1]));
  const box = gatherNd(corners, param.share_location ? gather(found, int64(0, 2), 1) : found);
  const item = cast(placesOf(expand(constant(1), [items]), items), "float32");
  const none = concat([unsqueeze(item, [1]), expand(constant(-1), [items, 6])], 1);
  const n = lengthOf(found);
  return {
    table: concat([concat([...columns, box], 1), none], 0),
    end: where(equal(n, int64(0)), lengthOf(scores), n),
  };
}

/** Boxes [found, 3] of (item, class, box) after non-maximum suppression, by item, class and falling score. */
function selected({ param, items, boxes, classes, most, corners, scores }: Detector, size: number): Value {
  const nms = message(param, "nms_param");
  const settings = {
    most,
    overlap: nms.nms_threshold,
    score: has(param, "confidence_threshold") ? param.confidence_threshold : NO_THRESHOLD,
    selected: size,
  };
  const candidates = most > 0 && most < boxes ? best(scores, most) : scores;
  const low = slice(corners, corners.type.shape.length - 1, 0, 2);
  const high = slice(corners, corners.type.shape.length - 1, 2, 4);
  // A box whose corners are swapped overlaps nothing in Caffe; ONNX would swap them back.
  const ordered =
    param.code_type === CodeType.CENTER_SIZE ? corners : concat([low, max(low, high)], corners.type.shape.length - 1);
  if (param.share_location) return nonMaxSuppression(ordered, candidates, settings);
  // Each class has boxes of its own: as many items of one class each.
  const apart = items * classes.length;
  const found = nonMaxSuppression(
    reshape(ordered, [apart, boxes, 4]),
    reshape(candidates, [apart, 1, boxes]),
    settings,
  );
  const [both, box] = [0, 2].map((i) => gather(found, at(i), 1)) as [Value, Value];
  const k = at(classes.length);
  return concat(
    [div(both, k), mod(both, k), box].map((x) => unsqueeze(x, [1])),
    1,
  );
}

/** Of what is selected the best `keep_top_k` of each item, in the same order. */
function bestOf({ param, items, boxes, classes, scores }: Detector, found: Value, size: number): Value {
  const all = classes.length * boxes;
  const { keep_top_k: keep } = param;
  if (keep < 1 || keep >= all) return found;
  const nowhere = expand(constant(NEVER), [items, classes.length, boxes]);
  const ranked = topK(reshape(scatterNd(nowhere, found, gatherNd(scores, found)), [items, all]), 1, keep);
  const marks = scatter(expand(constant(0), [items, all]), ranked.indices, expand(constant(1), [items, keep]), 1);
  const kept = placesOf(gatherNd(reshape(marks, [items, classes.length, boxes]), found), size);
  return gather(found, kept, 0);
}

/** The number of priors. Throws where the bottoms do not go together. */
function priorsOf({ bottoms, param, bottomError, error }: Place<DetectionOutputParameter>): number {
  const [offsets, scores, priors] = bottoms.map(({ type }) => type.shape) as [number[], number[], number[]];
  if (!has(param, "num_classes")) throw error("num_classes must be given", "num_classes");
  const isRows = !param.normalized && param.variance_encoded_in_target && priors[1] === 5;
  const planes = !param.normalized && param.variance_encoded_in_target ? [1, 2] : [2];
  if (!isRows && (priors.length < 3 || priors[0] !== 1 || !planes.includes(priors[1]!)))
    throw bottomError(2, `priors are [1, 2, boxes * ${param.normalized ? 4 : 5}], not [${priors}]`);
  for (const field of ["input_width", "input_height"] as const)
    if (!param.normalized && param[field] <= 0) throw error(`boxes in pixels need ${field}`, field);
  const each = param.normalized ? 4 : 5;
  const boxes = (isRows ? count(priors) : count(priors, 2)) / each;
  if (!Number.isInteger(boxes)) throw bottomError(2, `[${priors}] does not have ${each} numbers for each prior`);
  if (bottoms.length === 4)
    throw bottomError(3, "there are 3 bottoms, or 5 with the scores and offsets of a first stage (RefineDet)");
  [2, 4].forEach((each, i) => {
    const shape = bottoms[3 + i]?.type.shape;
    if (shape && (shape[0] !== offsets[0] || count(shape, 1) !== boxes * each))
      throw bottomError(3 + i, `[${shape}] does not have ${each} numbers for each of ${boxes} priors`);
  });
  if (scores[0] !== offsets[0]) throw bottomError(1, `[${scores}] has not as many items as [${offsets}]`);
  const sets = param.share_location ? 1 : param.num_classes;
  if (count(offsets, 1) !== boxes * 4 * sets)
    throw bottomError(0, `[${offsets}] does not have 4 offsets for each of ${boxes} priors`);
  if (count(scores, 1) !== boxes * param.num_classes)
    throw bottomError(1, `[${scores}] does not have ${param.num_classes} scores for each of ${boxes} priors`);
  return boxes;
}

/** Only the best scores of each class [n, classes, boxes]; the others never count. */
function best(scores: Value, most: number): Value {
  const top = topK(scores, 2, most);
  return scatter(expand(constant(NEVER), scores.type.shape), top.indices, top.values, 2);
}

/** Corners of boxes [n, 1 or classes, boxes, 4] from offsets to priors, or to boxes that were found from those (RefineDet). */
function decode(site: Site<DetectionOutputParameter>, items: number, boxes: number): Value {
  const { bottoms, param } = site;
  const sets = param.share_location ? 1 : param.num_classes;
  const { prior, variances } = param.normalized ? shares(bottoms[2]!, boxes) : pixels(site, boxes);
  const offsets = transpose(reshape(bottoms[0]!, [items, boxes, sets, 4]), [0, 2, 1, 3]);
  const scale = param.variance_encoded_in_target ? undefined : variances;
  const moved = (by: Value, from: Value) => decodedBoxes(param.code_type, by, from, scale);
  const first = bottoms[4] && moved(reshape(bottoms[4], [items, 1, boxes, 4]), prior);
  return moved(offsets, first ?? prior);
}

/** Corners [1, boxes, 4] as parts of the image, and variances. */
interface Priors {
  readonly prior: Value;
  readonly variances: Value | undefined;
}

function shares(given: Value, boxes: number): Priors {
  const priors = reshape(given, [2, boxes, 4]);
  return { prior: slice(priors, 0, 0, 1), variances: slice(priors, 0, 1, 2) };
}

/** Priors in pixels: rows of five, and where offsets have variances these after them, of four each. */
function pixels({ bottoms, param }: Site<DetectionOutputParameter>, boxes: number): Priors {
  const given = bottoms[2]!;
  const flat = reshape(given, [count(given.type.shape)]);
  const corners = slice(reshape(slice(flat, 0, 0, 5 * boxes), [1, boxes, 5]), 2, 1, 5);
  const { input_width: w, input_height: h } = param;
  const prior = div(corners, constant(Float32Array.of(w, h, w, h), [4]));
  if (param.variance_encoded_in_target) return { prior, variances: undefined };
  return { prior, variances: reshape(slice(flat, 0, 5 * boxes, 9 * boxes), [1, boxes, 4]) };
}
