import { has } from "../../caffe/message.js";
import { arange, constant, count, type Value } from "../../graph/index.js";
import {
  add,
  and,
  cast,
  cumSum,
  div,
  equal,
  gather,
  greater,
  greaterOrEqual,
  less,
  not,
  pad,
  reduceSum,
  reshape,
  slice,
  stopGradient,
  topK,
  where,
} from "../../ops/index.js";
import { REGIONS } from "../implied.js";
import { bottomText, computeLayer, type Place } from "../layer.js";

/** Cells of an image, each its left, right, top and bottom as shares of the image's sides. */
type Cells = readonly (readonly [left: number, right: number, top: number, bottom: number])[];

/** A grid of n cells by n, column after column: the order of the authors' tables. */
const grid = (n: number): Cells =>
  Array.from({ length: n * n }, (_, i) => {
    const [column, row] = [Math.floor(i / n), i % n];
    return [column / n, (column + 1) / n, row / n, (row + 1) / n] as const;
  });

const WHOLE: Cells = [[0, 1, 0, 1]];

/** The authors' pyramids by `spm_type`: the whole image, with its quarters and three bands across, and with quarters and sixteenths. */
const PYRAMIDS: readonly Cells[] = [
  WHOLE,
  [...WHOLE, ...grid(2), [0, 1, 0, 0.33], [0, 1, 0.33, 0.67], [0, 1, 0.67, 1]],
  [...WHOLE, ...grid(2), ...grid(4)],
];

/** Below every feature: where no box has its centre in a cell. */
const LOWEST = -3.4028234663852886e38;

/**
 * SPMMaxPooling (deep patch learning): for each image and each cell of a pyramid the maximum of each feature over the boxes whose
 * centre is in the cell, 0 for a cell without boxes. Features [r, c], sizes of the images [b, 2] of (width, height), boxes [r, 5] of
 * (item, x1, y1, x2, y2) in those sizes, those of an image together and the images in their order; y [b, cells c], cell after cell.
 * The gradient goes to the first maximum. Source: ppengtang/dpl, spm_layer.cpp.
 */
export const SPMMaxPooling = computeLayer({
  type: "SPMMaxPooling",
  param: "spm_param",
  bottoms: 3,
  tops: 1,
  noGradientTo: [1, 2],
  implies: () => new Map([...REGIONS].map(([, shape]) => [2, shape])),
  lower(site) {
    const { features, sizes, boxes } = blobsOf(site);
    const cells = cellsOf(site);
    const [[r, c], b, g] = [features.type.shape as [number, number], sizes.type.shape[0]!, cells.length];
    const images = imagesOf(boxes);
    const own = equal(arange(b, [b, 1, 1]), reshape(images, [1, 1, r]));
    const isIn = and(own, inCells(boxes, gather(sizes, cast(images, "int64"), 0), cells));
    const candidates = where(reshape(isIn, [b, g, r, 1]), reshape(features, [1, 1, r, c]), constant(LOWEST));
    const { values } = topK(candidates, 2, 1);
    const filled = greater(reduceSum(cast(isIn, "float32"), [2]), constant(0));
    const y = where(reshape(filled, [b, g, 1]), reshape(values, [b, g, c]), constant(0));
    return { tops: [reshape(y, [b, g * c])] };
  },
});

function cellsOf({ param, error }: Place<{ readonly spm_type: number }>): Cells {
  if (!has(param, "spm_type")) throw error("spm_type is missing", undefined, ["write spm_type: 0, 1 or 2"]);
  return PYRAMIDS[Math.min(param.spm_type, 2)]!;
}

function blobsOf(site: Place<unknown>): { readonly features: Value; readonly sizes: Value; readonly boxes: Value } {
  const [x, sizes, boxes] = site.bottoms as [Value, Value, Value];
  const rows = x.type.shape[0] ?? 0;
  const check = (i: number, holds: boolean, what: string) => {
    if (!holds) throw site.bottomError(i, `${bottomText(site, i)} is not ${what}`);
  };
  const { shape } = boxes.type;
  check(0, x.type.shape.length >= 2 && count(x.type.shape, 2) === 1, "rows of features [r, c]");
  check(
    1,
    sizes.type.shape.length >= 2 && count(sizes.type.shape, 1) === 2,
    "a width and a height of each image [b, 2]",
  );
  check(2, shape.length >= 2 && count(shape, 1) === 5 && shape[0] === rows, `a box [r, 5] for each of ${rows} rows`);
  return {
    features: reshape(x, [rows, x.type.shape[1]!]),
    sizes: stopGradient(reshape(sizes, [sizes.type.shape[0]!, 2])),
    boxes: stopGradient(reshape(boxes, [rows, 5])),
  };
}

/** The place of each box's image in the batch: one more wherever the item changes. */
function imagesOf(boxes: Value): Value {
  const r = boxes.type.shape[0]!;
  const items = slice(boxes, 1, 0, 1);
  const changes = cast(not(equal(slice(items, 0, 1, r), slice(items, 0, 0, r - 1))), "float32");
  const steps = pad(changes, [
    [1, 0],
    [0, 0],
  ]);
  return reshape(cumSum(steps, { axis: 0, exclusive: false, reverse: false }), [r]);
}

/** Tests which cells the centres of boxes [r, 5] are in, by the sizes [r, 2] of their images: [1, cells, r]. */
function inCells(boxes: Value, sizes: Value, cells: Cells): Value {
  const r = boxes.type.shape[0]!;
  const centre = (i: 0 | 1) => {
    const size = slice(sizes, 1, i, i + 1);
    const sum = add(slice(boxes, 1, 1 + i, 2 + i), slice(boxes, 1, 3 + i, 4 + i));
    return reshape(div(sum, add(size, size)), [1, 1, r]);
  };
  const edge = (i: 0 | 1 | 2 | 3) =>
    constant(
      Float32Array.from(cells, (cell) => cell[i]),
      [1, cells.length, 1],
    );
  const [x, y] = [centre(0), centre(1)];
  return and(and(greaterOrEqual(x, edge(0)), less(x, edge(1))), and(greaterOrEqual(y, edge(2)), less(y, edge(3))));
}
