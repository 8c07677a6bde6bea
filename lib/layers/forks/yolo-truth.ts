import type { RegionLossParameter, Yolov3Parameter } from "../../caffe/messages.js";
import { arange, constant, count, type Value } from "../../graph/index.js";
import { scatter } from "../../ops/detection.js";
import {
  add,
  cast,
  concat,
  cumSum,
  div,
  equal,
  exp,
  expand,
  floor,
  gatherElements,
  greater,
  log,
  max,
  min,
  mul,
  reduceMax,
  reduceSum,
  reshape,
  slice,
  stopGradient,
  sub,
  sumAll,
  topK,
  transpose,
  where,
  withGradientOf,
  zeros,
} from "../../ops/index.js";
import { bottomText, type Site } from "../layer.js";

/** A vector of constants. */
export const vector = (values: readonly number[]) => constant(Float32Array.from(values), [values.length]);
/** Float32 0 or 1. */
export const zeroOrOne = (condition: Value) => cast(condition, "float32");

/** Parameters of YOLO's losses. */
export type Yolo = RegionLossParameter | Yolov3Parameter;

/** Predictions and boxes of the truth. */
export interface Grid {
  readonly n: number;
  readonly side: number;
  /** Boxes of a cell. */
  readonly num: number;
  /** Boxes of the truth in an item at most. */
  readonly k: number;
  /** Predictions without a gradient [n, num * side * side, 5 + classes]; boxes of one anchor after another, cells row by row. */
  readonly values: Value;
  /** The same predictions with their gradient. */
  readonly source: Value;
  readonly truth: Truth;
}

interface Truth {
  /** Centres and sizes [n, k, 4]. */
  readonly boxes: Value;
  /** [n, k, classes]: 1 at the class. */
  readonly classes: Value;
  /** Up to the first without a centre, and without a width: float32 0 or 1 [n, k]. */
  readonly compared: Value;
  readonly matched: Value;
}

/** The shares of a prediction's numbers, or of its deltas: [n, boxes, 2 | 2 | 1 | classes]. */
interface Parts {
  readonly centre: Value;
  readonly sizes: Value;
  readonly object: Value;
  readonly classes: Value;
}

export const rowsOfParts = ({ centre, sizes, object, classes }: Parts) => concat([centre, sizes, object, classes], 2);

export function readGrid(site: Site<Yolo>, num: number, classes: number): Grid {
  const x = site.bottoms[0]!;
  const { shape } = x.type;
  const [n, channels, side, width] = shape as [number, number, number, number];
  const length = 5 + classes;
  if (shape.length !== 4 || channels !== num * length || side !== width)
    throw site.bottomError(0, `${bottomText(site, 0)} is not [n, ${num} * ${length}, side, side]`);
  const labels = site.bottoms[1]!.type.shape;
  const k = count(labels) / n / 5;
  if (labels[0] !== n || !Number.isInteger(k) || k === 0)
    throw site.bottomError(1, `${bottomText(site, 1)} is not boxes of 5 numbers for each of ${n} items`);
  const source = reshape(transpose(reshape(x, [n, num, length, side * side]), [0, 1, 3, 2]), [
    n,
    num * side * side,
    length,
  ]);
  const rows = stopGradient(reshape(site.bottoms[1]!, [n, k, 5]));
  const column = (i: number) => reshape(slice(rows, 2, i, i + 1), [n, k]);
  const upTo = (values: Value) => {
    const ended = cumSum(zeroOrOne(equal(values, constant(0))), { axis: 1, exclusive: false, reverse: false });
    return zeroOrOne(equal(ended, constant(0)));
  };
  const classNumbers = arange(classes, [1, 1, classes]);
  const truth = {
    boxes: slice(rows, 2, 1, 5),
    classes: zeroOrOne(equal(floor(slice(rows, 2, 0, 1)), classNumbers)),
    compared: upTo(column(1)),
    matched: upTo(column(3)),
  };
  return { n, side, num, k, values: stopGradient(source), source, truth };
}

/** Widths and heights of anchors as parts of the image. */
export function yoloAnchors(
  { param, error }: Site<Yolo>,
  length: number,
  size: number,
): readonly (readonly [number, number])[] {
  const { biases } = param;
  if (!Number.isInteger(length) || length === 0 || biases.length < 2 * length)
    throw error(`${biases.length} biases are not a width and a height for each of ${length} anchors`, "biases");
  return Array.from({ length }, (_, i) => [biases[2 * i]! / size, biases[2 * i + 1]! / size] as const);
}

/** Centres and sizes of the predictions as parts of the image, [n, boxes, 4]. */
export function predictedBoxes(
  { side, num }: Grid,
  { centre, sizes }: Pick<Parts, "centre" | "sizes">,
  anchors: readonly (readonly [number, number])[],
): Value {
  const cells = side * side;
  const [corners, scales] = [new Float32Array(2 * num * cells), new Float32Array(2 * num * cells)];
  for (let i = 0; i < num * cells; i++) {
    corners.set([i % side, Math.floor((i % cells) / side)], 2 * i);
    scales.set(anchors[Math.floor(i / cells)]!, 2 * i);
  }
  const at = mul(add(centre, constant(corners, [num * cells, 2])), constant(1 / side));
  return concat([at, mul(exp(sizes), constant(scales, [num * cells, 2]))], 2);
}

/** Overlaps (intersection over union) of boxes by centres and sizes, [..., 1]; they broadcast. */
export function sharedPart(a: Value, b: Value): Value {
  const axis = a.type.shape.length - 1;
  const side = (x: Value, i: number) => slice(x, axis, i, i + 1);
  const half = (x: Value, i: number) => mul(side(x, i + 2), constant(0.5));
  const [width, height] = [0, 1].map((i) => {
    const high = min(add(side(a, i), half(a, i)), add(side(b, i), half(b, i)));
    const low = max(sub(side(a, i), half(a, i)), sub(side(b, i), half(b, i)));
    return max(sub(high, low), constant(0));
  }) as [Value, Value];
  const shared = mul(width, height);
  const area = (x: Value) => mul(side(x, 2), side(x, 3));
  const meet = greater(shared, constant(0));
  return where(meet, div(shared, where(meet, sub(add(area(a), area(b)), shared), constant(1))), constant(0));
}

/** 1 for boxes [n, boxes, 1] that overlap none of the truth by more than a threshold, else 0. */
export function isFar(boxes: Value, { boxes: truth, compared }: Truth, threshold: number): Value {
  const [n, total] = boxes.type.shape as [number, number];
  const k = truth.type.shape[1]!;
  const overlaps = reshape(sharedPart(reshape(boxes, [n, total, 1, 4]), reshape(truth, [n, 1, k, 4])), [n, total, k]);
  const most = reduceMax(mul(overlaps, reshape(compared, [n, 1, k])), [2], true);
  return sub(constant(1), zeroOrOne(greater(most, constant(threshold))));
}

/** The prediction that each box of the truth belongs to. */
interface Own {
  /** Int64 [n, k]; 0 where there is none. */
  readonly index: Value;
  /** Float32 0 or 1 [n, k]. */
  readonly counts: Value;
  /** 1 for other boxes that have the same one, else 0, float32 [n, k, k]. */
  readonly same: Value;
  /** Column and row of the cell [n, k, 2]. */
  readonly cell: Value;
  /** The anchor within the cell, int64 [n, k]. */
  readonly anchor: Value;
}

/**
 * The prediction of each box of the truth: of its cell, the anchor whose size [n | 1, k | 1, anchors, 2] overlaps its own most. With a
 * `mask` only the anchors that it names are the grid's, in that order.
 */
export function ownBoxes(
  { n, k, side, num, truth }: Grid,
  sizesOf: (cells: Value) => Value,
  mask: readonly number[] = Array.from({ length: num }, (_, i) => i),
): Own {
  const cell = max(min(floor(mul(slice(truth.boxes, 2, 0, 2), constant(side))), constant(side - 1)), constant(0));
  const place = reshape(add(slice(cell, 2, 0, 1), mul(slice(cell, 2, 1, 2), constant(side))), [n, k]);
  const everyAnchor = reshape(
    add(reshape(place, [n, k, 1]), vector(Array.from({ length: num }, (_, i) => i * side * side))),
    [n, k * num],
  );
  const sizes = sizesOf(cast(everyAnchor, "int64"));
  const anchors = sizes.type.shape[2]!;
  const origin = (x: Value) => concat([mul(x, constant(0)), x], 3);
  const own = reshape(slice(truth.boxes, 2, 2, 4), [n, k, 1, 2]);
  const fits = reshape(sharedPart(origin(sizes), origin(own)), [n, k, anchors]);
  const best = reshape(topK(fits, 2, 1).indices, [n, k, 1]);
  // The place of each anchor in the mask; -1 for those of other grids.
  const placeOf = vector(Array.from({ length: anchors }, (_, i) => mask.indexOf(i)));
  const isBest = zeroOrOne(equal(cast(best, "float32"), vector(Array.from({ length: anchors }, (_, i) => i))));
  const anchor = reduceSum(mul(isBest, placeOf), [2]);
  const counts = mul(truth.matched, zeroOrOne(greater(anchor, constant(-0.5))));
  const known = max(anchor, constant(0));
  const index = mul(add(place, mul(known, constant(side * side))), counts);
  const same = mul(
    zeroOrOne(equal(reshape(index, [n, k, 1]), reshape(index, [n, 1, k]))),
    mul(reshape(counts, [n, k, 1]), reshape(counts, [n, 1, k])),
  );
  return { index: cast(index, "int64"), counts, same, cell, anchor: cast(known, "int64") };
}

/** [k, k]: 1 where the column is before (or after) the row. */
const order = (k: number, isBefore: boolean) =>
  constant(
    Float32Array.from({ length: k * k }, (_, i) => {
      const [at, other] = [Math.floor(i / k), i % k];
      return (isBefore ? other < at : other > at) ? 1 : 0;
    }),
    [k, k],
  );

/** For each box of the truth, 1 at the first that has the same prediction, [n, k, k, 1]. */
export function firstOfBox({ same }: Own): Value {
  const [n, k] = same.type.shape as [number, number];
  return reshape(mul(same, isFirst(same)), [n, k, k, 1]);
}

/** For each box of the truth, 1 at those after the first that have the same prediction, [n, k, k, 1]. */
export function laterOfBox({ same }: Own): Value {
  const [n, k] = same.type.shape as [number, number];
  return reshape(mul(same, sub(constant(1), isFirst(same))), [n, k, k, 1]);
}

/** 1 for boxes of the truth whose prediction none before them has, [n, 1, k]. */
function isFirst(same: Value): Value {
  const [n, k] = same.type.shape as [number, number];
  const before = reduceSum(mul(same, order(k, true)), [2]);
  return reshape(zeroOrOne(equal(before, constant(0))), [n, 1, k]);
}

/** Rows of [n, boxes, c] by indices [n, k]. */
export function rowsAtIndices(x: Value, index: Value): Value {
  const [n, , c] = x.type.shape as [number, number, number];
  const k = index.type.shape[1]!;
  return gatherElements(x, expand(reshape(index, [n, k, 1]), [n, k, c]), 1);
}

/** Centres within the cell, and logarithms of sizes by the anchor's, that the boxes of the truth ask for. */
export function yoloTargets(
  { n, k, side, truth }: Grid,
  { cell, anchor }: Own,
  anchors: readonly (readonly [number, number])[],
) {
  const table = expand(constant(Float32Array.from(anchors.flat()), [1, anchors.length, 2]), [n, anchors.length, 2]);
  const size = slice(truth.boxes, 2, 2, 4);
  // Rows without a box have no size to take a logarithm of.
  const positive = where(greater(size, constant(0)), size, constant(1));
  return {
    centre: sub(mul(slice(truth.boxes, 2, 0, 2), constant(side)), cell),
    sizes: log(div(positive, rowsAtIndices(table, reshape(anchor, [n, k])))),
  };
}

/** scale * (2 - area) of the boxes of the truth, [n, k, 1]: small boxes weigh more. */
export const sizeScale = (boxes: Value, scale: number) =>
  mul(sub(constant(2), mul(slice(boxes, 2, 2, 3), slice(boxes, 2, 3, 4))), constant(scale));

/** Deltas of the predictions that boxes of the truth belong to, and those given elsewhere. Of boxes with the same prediction the last counts. */
export function deltasOf(
  { n, k, num, side }: Grid,
  { index, counts, same }: Own,
  delta: Value,
  elsewhere: Value,
): Value {
  const [total, length] = [num * side * side, delta.type.shape[2]!];
  const after = reduceSum(mul(same, order(k, false)), [2]);
  const isLast = greater(mul(counts, zeroOrOne(equal(after, constant(0)))), constant(0));
  // The others go to a row more, which is cut off.
  const place = cast(where(isLast, cast(index, "float32"), constant(total)), "int64");
  const longer = concat([elsewhere, zeros([n, 1, length])], 1);
  const rows = expand(reshape(place, [n, k, 1]), [n, k, length]);
  return slice(scatter(longer, rows, delta, 1), 1, 0, total);
}

/** The sum of sumOfSquares / n, with a gradient that is given. */
export function sumOfSquares({ n, source }: Grid, delta: Value, gradient: Value): Value {
  const loss = mul(sumAll(mul(delta, delta)), constant(1 / n));
  return withGradientOf(stopGradient(loss), mul(sumAll(mul(stopGradient(gradient), source)), constant(1 / n)));
}
