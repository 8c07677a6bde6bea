import { has } from "../../caffe/message.js";
import type { DetectionEvaluateParameter } from "../../caffe/messages.js";
import { constant, count, type Value } from "../../graph/index.js";
import { scatter, unsqueeze } from "../../ops/detection.js";
import {
  add,
  and,
  cast,
  concat,
  cumSum,
  div,
  equal,
  expand,
  floor,
  gather,
  greater,
  greaterOrEqual,
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
  sumAll,
  topK,
  transpose,
  where,
  zeros,
} from "../../ops/index.js";
import { iota } from "../indices.js";
import { bottomText, computeLayer, type Site } from "../layer.js";
import { jaccard } from "./multibox-match.js";
import { pixelOverlaps } from "./pixel-overlaps.js";

/** A score below every other. */
const NEVER = -3e38;

/**
 * DetectionEvaluate (SSD): which detections hit a box. Bottoms: rows [1, 1, d, 7] of (item, class, score, corners) and boxes
 * [1, 1, g, 8] of (item, class, instance, corners, difficult); rows of class or item -1 are none. Top [1, 1, classes + d, 5]: for each
 * class but the background (-1, class, number of boxes, -1, -1), then for each detection (item, class, score, hit, miss). A detection
 * goes to the box of its item and class that it overlaps most, by at least `overlap_threshold`, and hits it if none of a greater
 * score does. Tests make mean average precision of all their batches' rows. With `name_size_file` boxes are compared in pixels of the
 * images that its lines say, which are counted as the fork counts them: an image without detections has no line.
 * Source: detection_evaluate_layer.cpp of SSD's Caffe.
 */
export const DetectionEvaluate = computeLayer({
  type: "DetectionEvaluate",
  param: "detection_evaluate_param",
  bottoms: 2,
  tops: 1,
  inferenceOnly: true,
  exact: true,
  score: true,
  evaluates: "detections",
  skipsEmptyRows: true,
  inference: { as: "nothing" },
  sources: ({ detection_evaluate_param: param }) =>
    param?.name_size_file ? [{ path: param.name_size_file, as: "sizes" }] : [],
  implies: () => new Map([[1, [1, 1, 1, 8]]]),
  topShapes: () => [[1, 1, 1, 5]],
  lower(site) {
    const [d, g] = checked(site);
    const found = stopGradient(reshape(site.bottoms[0]!, [d, 7]));
    const truth = stopGradient(reshape(site.bottoms[1]!, [g, 8]));
    const sizes = sizesOf(site, slice(found, 1, 0, 1));
    const compared = { found, truth, overlaps: sizes ? pixelOverlaps(site.param, found, truth, sizes.own) : undefined };
    const rows = concat([positives(site.param, truth), hits(site.param, compared)], 0);
    return { tops: [unsqueeze(rows, [0, 1])], ...(sizes && { state: sizes.state }) };
  },
});

/** Numbers of detections and boxes. Throws for what is not supported, and for bottoms of other shapes. */
function checked(site: Site<DetectionEvaluateParameter>): readonly [number, number] {
  const { param, bottoms, error, bottomError } = site;
  if (!has(param, "num_classes") || param.num_classes < 1) throw error("num_classes must be given", "num_classes");
  const [found, truth] = bottoms.map(({ type }) => type.shape) as [number[], number[]];
  if (found.at(-1) !== 7) throw bottomError(0, `${bottomText(site, 0)} are not detections [1, 1, n, 7]`);
  if (truth.at(-1) !== 8) throw bottomError(1, `${bottomText(site, 1)} are not boxes [1, 1, g, 8]`);
  return [count(found) / 7, count(truth) / 8];
}

/**
 * Heights and widths [d, 2] of the images of detections, by their items [d, 1], and the number of images so far: of each forward's
 * the ones with detections, again from 0 after the last line.
 */
function sizesOf(site: Site<DetectionEvaluateParameter>, items: Value) {
  const { name_size_file: path } = site.param;
  if (path === "") return undefined;
  const sizes = site.source(path, "name_size_file");
  const [lines] = sizes.shape as [number, number];
  if (lines === 0) return undefined;
  const [d] = items.type.shape as [number, number];
  const before = site.carry([]);
  // In rising order, those of no item last; an item's number is how many others are before it.
  const isNone = less(items, constant(0));
  const sorted = topK(neg(where(isNone, constant(BEYOND), items)), 0, d);
  const isNew = concat(
    [constant(1, [1, 1]), float(less(slice(sorted.values, 0, 1, d), slice(sorted.values, 0, 0, d - 1)))],
    0,
  );
  const counted = mul(isNew, float(greater(sorted.values, constant(-BEYOND))));
  const numbers = sub(cumSum(counted, { axis: 0, exclusive: false, reverse: false }), constant(1));
  const line = modulo(add(before, scatter(zeros([d, 1]), sorted.indices, max(numbers, constant(0)), 0)), lines);
  const own = gather(constant(sizes.data, [lines, 2]), reshape(cast(line, "int64"), [d]), 0);
  return { own, state: new Map([[before, modulo(add(before, sumAll(counted)), lines)]]) };
}

/** Greater than every item. */
const BEYOND = 1e9;

const modulo = (x: Value, n: number) => sub(x, mul(floor(div(x, constant(n))), constant(n)));

const column = (x: Value, i: number) => slice(x, 1, i, i + 1);
const float = (x: Value) => cast(x, "float32");

/** Rows of how many boxes each class has. */
function positives(param: DetectionEvaluateParameter, truth: Value): Value {
  const { num_classes: count, background_label_id: background, evaluate_difficult_gt: all } = param;
  const classes = Array.from({ length: count }, (_, c) => c).filter((c) => c !== background);
  const labels = constant(Float32Array.from(classes), [classes.length, 1]);
  const counts = and(
    greaterOrEqual(column(truth, 0), constant(0)),
    all ? not(greater(constant(0), constant(1))) : easy(truth),
  );
  const isOf = equal(transpose(column(truth, 1), [1, 0]), labels);
  const number = reduceSum(mul(float(isOf), transpose(float(counts), [1, 0])), [1], true);
  const none = expand(constant(-1), [classes.length, 1]);
  return concat([none, labels, number, none, none], 1);
}

const easy = (truth: Value) => equal(column(truth, 7), constant(0));

/** Detections [d, 7] and boxes [g, 8], and their overlaps [d, g] where these are not those of parts of the image. */
interface Compared {
  readonly found: Value;
  readonly truth: Value;
  readonly overlaps: Value | undefined;
}

/** Rows of detections: whether each hits a box, or misses. */
function hits(param: DetectionEvaluateParameter, { found, truth, overlaps: given }: Compared): Value {
  const [d, g] = [found.type.shape[0]!, truth.type.shape[0]!];
  const across = (i: number) => transpose(column(truth, i), [1, 0]);
  const corners = reshape(slice(found, 1, 3, 7), [d, 1, 4]);
  const overlaps = given ?? jaccard(corners, reshape(slice(truth, 1, 3, 7), [1, g, 4]));
  const isReal = and(greaterOrEqual(column(found, 0), constant(0)), greaterOrEqual(column(found, 1), constant(0)));
  const belongs = and(equal(column(found, 0), across(0)), equal(column(found, 1), across(1)));
  const best = topK(where(and(belongs, isReal), overlaps, constant(-1)), 1, 1);
  const meets = greaterOrEqual(best.values, constant(Math.max(param.overlap_threshold, 0)));
  const index = reshape(best.indices, [d]);
  const counted = param.evaluate_difficult_gt ? meets : and(meets, gather(easy(truth), index, 0));
  const isItsOwn = and(equal(best.indices, reshape(iota(g), [1, g])), counted);
  // Of each box the detection of the greatest score, and of equal ones the first.
  const first = topK(where(isItsOwn, expand(column(found, 2), [d, g]), constant(NEVER)), 0, 1).indices;
  const isFirst = equal(gather(reshape(first, [g]), index, 0), iota(d));
  const hit = mul(float(counted), reshape(float(isFirst), [d, 1]));
  const miss = mul(float(isReal), add(float(not(meets)), sub(float(counted), hit)));
  return concat([slice(found, 1, 0, 3), hit, miss], 1);
}
