import type { YoloDetectionOutputParameter, Yolov3DetectionOutputParameter } from "../../caffe/messages.js";
import { constant, constantOf, type Value } from "../../graph/index.js";
import { firstOf, gatherNd, lengthOf, nonMaxSuppression, placesOf, unsqueeze } from "../../ops/detection.js";
import {
  add,
  cast,
  concat,
  equal,
  exp,
  expand,
  gather,
  greater,
  greaterOrEqual,
  mul,
  reshape,
  sigmoid,
  slice,
  softmax,
  sub,
  topK,
  transpose,
  where,
} from "../../ops/index.js";
import { bottomText, computeLayer, type Lowered, type Place, type Site } from "../layer.js";

/** A score of boxes that do not count. */
const NEVER = -1;

/** Boxes of all items: centres and sizes [n, boxes, 4] as parts of the image, and of each its best class [n, boxes]. */
interface Candidates {
  readonly boxes: Value;
  readonly scores: Value;
  readonly classes: Value;
}

/**
 * YoloDetectionOutput (MobileNet-YOLO, of YOLO v2): boxes from one or two grids of cells. Each bottom is [n, num_box * (5 +
 * num_classes), side, side], of each box x, y, w, h, objectness and classes; the score of its best class is sigmoid(objectness) *
 * softmax(classes). Boxes below `confidence_threshold` go, and those that overlap a better one of whatever class by `nms_threshold`.
 * Top [1, 1, found, 7]: rows of (item, class + 1, score, x1, y1, x2, y2) by falling score; where nothing is found in any item, a row
 * of (item, -1...) for each. The fork mixes the items of a batch, all as item 0; here each has rows of its own. Inference only.
 */
export const YoloDetectionOutput = computeLayer({
  type: "YoloDetectionOutput",
  param: "yolo_detection_output_param",
  bottoms: [1, 2],
  tops: 1,
  inferenceOnly: true,
  exact: true,
  detections: true,
  lower(site) {
    const { param } = site;
    const anchors = pairs(site, param.num_box);
    const grids = site.bottoms.map((_, i) => {
      const { values, side } = cells(site, i, { boxes: param.num_box, classes: param.num_classes });
      const best = topK(
        mul(sigmoid(slice(values, 2, 4, 5)), softmax(slice(values, 2, 5, 5 + param.num_classes), 2)),
        2,
        1,
      );
      const counts = greaterOrEqual(best.values, constant(param.confidence_threshold));
      const scale = anchors.map(([w, h]) => [w / side, h / side] as const);
      return { boxes: decoded(values, side, scale), ...scored(best, counts) };
    });
    return detected(site, joined(grids), param.nms_threshold);
  },
});

/**
 * Yolov3DetectionOutput (MobileNet-YOLO): the same for YOLO v3, a bottom for each grid. The score of a class is sigmoid(objectness) *
 * sigmoid(class) and has to be above `confidence_threshold`. `mask` names the anchors of each bottom among `biases`, which are in
 * pixels of an image of side * anchors_scale. Inference only.
 */
export const Yolov3DetectionOutput = computeLayer({
  type: "Yolov3DetectionOutput",
  param: "yolov3_detection_output_param",
  bottoms: [1, Number.POSITIVE_INFINITY],
  tops: 1,
  inferenceOnly: true,
  exact: true,
  detections: true,
  lower(site) {
    const { param } = site;
    const { num_box: boxes, num_classes: classes, mask_group_num: groups } = param;
    if (site.bottoms.length !== groups)
      throw site.error(`${site.bottoms.length} bottoms for a mask_group_num of ${groups}`, "mask_group_num");
    const each = Math.floor(param.mask.length / groups);
    const anchors = pairs(site, param.biases.length / 2);
    const grids = site.bottoms.map((_, i) => {
      const { values, side } = cells(site, i, { boxes, classes });
      const scale = param.anchors_scale[i];
      if (scale === undefined) throw site.error(`no anchors_scale for bottom ${i}`, "anchors_scale");
      const own = Array.from({ length: boxes }, (_, k) => {
        const [w, h] = anchors[param.mask[k + i * each] ?? -1] ?? [];
        if (w === undefined || h === undefined) throw site.error(`no anchor for box ${k} of bottom ${i}`, "mask");
        return [w / (side * scale), h / (side * scale)] as const;
      });
      const best = topK(mul(sigmoid(slice(values, 2, 5, 5 + classes)), sigmoid(slice(values, 2, 4, 5))), 2, 1);
      const counts = greater(best.values, constant(param.confidence_threshold));
      return { boxes: decoded(values, side, own), ...scored(best, counts) };
    });
    return detected(site, joined(grids), param.nms_threshold);
  },
});

type Yolo = YoloDetectionOutputParameter | Yolov3DetectionOutputParameter;

/** Anchors as pairs of width and height. */
function pairs({ param, error }: Place<Yolo>, count: number): readonly (readonly [number, number])[] {
  const { biases } = param;
  if (!Number.isInteger(count) || biases.length < 2 * count)
    throw error(`${biases.length} biases are not a width and a height for each of ${count} anchors`, "biases");
  return Array.from({ length: count }, (_, i) => [biases[2 * i]!, biases[2 * i + 1]!] as const);
}

/** A grid as boxes [n, side * side * boxes, 5 + classes], cells row by row. */
function cells(
  site: Site<Yolo>,
  index: number,
  { boxes, classes }: { readonly boxes: number; readonly classes: number },
) {
  const x = site.bottoms[index]!;
  const { shape } = x.type;
  const [n, channels, side, width] = shape as [number, number, number, number];
  const length = 5 + classes;
  if (shape.length !== 4 || channels !== boxes * length || side !== width)
    throw site.bottomError(index, `${bottomText(site, index)} is not [n, ${boxes} * ${length}, side, side]`);
  const apart = transpose(reshape(x, [n, boxes, length, side, side]), [0, 3, 4, 1, 2]);
  return { values: reshape(apart, [n, side * side * boxes, length]), side };
}

/** Centres and sizes [n, boxes, 4]: sigmoid(x, y) within the cell, exp(w, h) times the anchor's part of the image. */
function decoded(values: Value, side: number, anchors: readonly (readonly [number, number])[]): Value {
  const total = values.type.shape[1]!;
  const [corners, sizes] = [new Float32Array(2 * total), new Float32Array(2 * total)];
  for (let i = 0; i < total; i++) {
    const cell = Math.floor(i / anchors.length);
    corners.set([cell % side, Math.floor(cell / side)], 2 * i);
    sizes.set(anchors[i % anchors.length]!, 2 * i);
  }
  const centre = add(sigmoid(slice(values, 2, 0, 2)), constant(corners, [total, 2]));
  const size = mul(exp(slice(values, 2, 2, 4)), constant(sizes, [total, 2]));
  return concat([mul(centre, constant(1 / side)), size], 2);
}

function scored(best: { readonly values: Value; readonly indices: Value }, counts: Value): Omit<Candidates, "boxes"> {
  const [n, total] = best.values.type.shape as [number, number];
  return {
    scores: reshape(where(counts, best.values, constant(NEVER)), [n, total]),
    classes: reshape(cast(best.indices, "float32"), [n, total]),
  };
}

const joined = (grids: readonly Candidates[]): Candidates => ({
  boxes: concat(
    grids.map(({ boxes }) => boxes),
    1,
  ),
  scores: concat(
    grids.map(({ scores }) => scores),
    1,
  ),
  classes: concat(
    grids.map(({ classes }) => classes),
    1,
  ),
});

/** Rows of what non-maximum suppression leaves. A box has one row: its other classes would overlap it altogether. */
function detected(site: Site<unknown>, { boxes, scores, classes }: Candidates, overlap: number): Lowered {
  const [n, total] = scores.type.shape as [number, number];
  const half = mul(slice(boxes, 2, 2, 4), constant(0.5));
  const centre = slice(boxes, 2, 0, 2);
  const corners = concat([sub(centre, half), add(centre, half)], 2);
  const table = (selected: number) => {
    const found = nonMaxSuppression(corners, reshape(scores, [n, 1, total]), {
      most: total,
      overlap,
      score: NEVER / 2,
      selected,
    });
    // Of (item, class 0, box) the item and the box.
    const places = gather(found, constantOf("int64", BigInt64Array.of(0n, 2n), [2]), 1);
    const column = (x: Value) => unsqueeze(gatherNd(x, places), [1]);
    const item = cast(slice(places, 1, 0, 1), "float32");
    const rows = concat([item, add(column(classes), constant(1)), column(scores), gatherNd(corners, places)], 1);
    const items = cast(placesOf(expand(constant(1), [n]), n), "float32");
    const none = concat([unsqueeze(items, [1]), expand(constant(-1), [n, 6])], 1);
    const length = lengthOf(found);
    const nothing = equal(length, constantOf("int64", BigInt64Array.of(0n), [1]));
    return { all: concat([rows, none], 0), end: where(nothing, lengthOf(scores), length) };
  };
  const most = n * total;
  const size = site.size(cast(reshape(table(most).end, []), "float32"), most);
  const { all, end } = table(size);
  return { tops: [unsqueeze(firstOf(all, end, size), [0, 1])] };
}
