import { constant, type Value } from "../../graph/index.js";
import { placesOf } from "../../ops/detection.js";
import {
  add,
  and,
  cast,
  ceil,
  div,
  equal,
  expand,
  floor,
  greaterOrEqual,
  less,
  matMul,
  max,
  min,
  mul,
  reduceSum,
  reshape,
  roundAway,
  slice,
  stopGradient,
  sub,
  transpose,
} from "../../ops/index.js";
import { REGIONS } from "../implied.js";
import { computeLayer, type Place } from "../layer.js";
import { linearShares } from "./linear-shares.js";
import { mapsAndBoxes } from "./roi-pooling.js";

/** The least size of a box, in entries of the map. */
const LEAST_SIZE = 0.1;

/**
 * PSROIPooling (R-FCN): position-sensitive average pooling. x [n, output_dim*g*g, h, w], boxes [r,5] of (item, x1, y1, x2, y2), y
 * [r, output_dim, g, g]: cell (i, j) of a g x g grid over a box is the mean of channel (c*g + i)*g + j over it, 0 where it is empty.
 * A mask of the items' rows and one of columns for each cell make sums over cells two products. Boxes have no gradient.
 */
export const PSROIPooling = computeLayer({
  type: "PSROIPooling",
  param: "psroi_pooling_param",
  bottoms: 2,
  implies: () => REGIONS,
  tops: 1,
  exact: true,
  lower(site) {
    const { x, rois } = sensitiveMaps(site);
    const { group_size: g, spatial_scale: scale } = site.param;
    const [h, w] = x.type.shape.slice(2) as [number, number];
    const r = rois.type.shape[0]!;
    const rows = maskOf(rois, [2, 4], { scale, cells: g, size: h });
    const columns = maskOf(rois, [1, 3], { scale, cells: g, size: w });
    const sums = sumsOfCells(x, rois, rows.mask, columns.mask);
    const area = mul(reshape(rows.length, [r, 1, g, 1]), reshape(columns.length, [r, 1, 1, g]));
    return { tops: [div(sums, max(area, constant(1)))] };
  },
});

/** Maps with `output_dim` channels for each cell of a `group_size` x `group_size` grid, and boxes. Throws for bottoms of other shapes. */
export function sensitiveMaps(place: Place<{ readonly output_dim: number; readonly group_size: number }>) {
  const { x, rois } = mapsAndBoxes(place);
  const { output_dim: dims, group_size: g } = place.param;
  const channels = x.type.shape[1]!;
  if (channels !== dims * g * g) throw place.bottomError(0, `${channels} channels are not ${dims} * ${g} * ${g}`);
  return { x, rois };
}

/** Of each box which items it is in, float32 0 or 1 [r, n]. */
export const itemsOfBoxes = (rois: Value, n: number): Value =>
  cast(equal(slice(rois, 1, 0, 1), cast(placesOf(expand(constant(1), [n]), n), "float32")), "float32");

/**
 * Sums [r, dims, g, g] of position-sensitive maps x [n, dims*g*g, h, w] over the cells of boxes, entries weighed by rows [r, g, h] and
 * columns [r, g, w] of the cells.
 */
function sumsOfCells(x: Value, rois: Value, rows: Value, columns: Value): Value {
  const [n, channels, h, w] = x.type.shape as [number, number, number, number];
  const [r, g] = rows.type.shape as [number, number, number];
  const dims = channels / (g * g);
  // Rows of all items under each other, of which a box has those of its own: [gi, r, n * h].
  const own = reshape(itemsOfBoxes(rois, n), [r, 1, n, 1]);
  const ownRows = reshape(transpose(mul(reshape(rows, [r, g, 1, h]), own), [1, 0, 2, 3]), [g, r, n * h]);
  // [n, dims, gi, gj, h, w] -> [gi, n * h, gj * dims * w], summed over rows.
  const planes = reshape(transpose(reshape(x, [n, dims, g, g, h, w]), [2, 0, 4, 3, 1, 5]), [g, n * h, g * dims * w]);
  const overRows = reshape(matMul(ownRows, planes), [g, r, g, dims, w]);
  const perCell = mul(overRows, reshape(columns, [1, r, g, 1, w]));
  return transpose(reduceSum(perCell, [4]), [1, 3, 0, 2]);
}

/**
 * PSROIAlign (R-FCN forks): as PSROIPooling, each cell the sum of four bilinear samples at its quarters, divided by 4; samples outside of
 * x are 0. Boxes are not rounded, and have no gradient. Source: fallingdust/caffe-fast-rcnn, psroi_align_layer.cu.
 */
export const PSROIAlign = computeLayer({
  type: "PSROIAlign",
  param: "psroi_pooling_param",
  bottoms: 2,
  implies: () => REGIONS,
  tops: 1,
  exact: true,
  lower(site) {
    const { x, rois } = sensitiveMaps(site);
    const { group_size: g, spatial_scale: scale } = site.param;
    const [h, w] = x.type.shape.slice(2) as [number, number];
    const boxes = stopGradient(rois);
    const axis = (from: number, size: number) => samplesOf(boxes, from, { scale, cells: g, size });
    return { tops: [mul(sumsOfCells(x, boxes, axis(2, h), axis(1, w)), constant(1 / 4))] };
  },
});

/** Shares [r, cells, size] of the entries of an axis in the two samples of each cell; 0 of boxes without an extent. */
function samplesOf(
  rois: Value,
  from: number,
  { scale, cells, size }: { readonly scale: number; readonly cells: number; readonly size: number },
): Value {
  const r = rois.type.shape[0]!;
  const edge = (i: number) => mul(slice(rois, 1, i, i + 1), constant(scale));
  const cell = div(sub(edge(from + 2), edge(from)), constant(cells));
  const quarters = constant(
    Float32Array.from({ length: 2 * cells }, (_, i) => 0.25 + 0.5 * i),
    [1, 2 * cells],
  );
  const place = reshape(add(edge(from), mul(cell, quarters)), [r, cells, 2, 1]);
  const share = linearShares(place, size);
  const isInside = and(greaterOrEqual(place, constant(0)), greaterOrEqual(constant(size - 1), place));
  const isReal = reshape(less(constant(0), cell), [r, 1, 1, 1]);
  return reduceSum(mul(share, cast(and(isInside, isReal), "float32")), [2]);
}

/** Mask of the entries of an axis that belong to each cell: 0 or 1 [r, cells, size], and how many. */
function maskOf(
  rois: Value,
  [from, to]: readonly [number, number],
  { scale, cells, size }: { readonly scale: number; readonly cells: number; readonly size: number },
) {
  const corner = (i: number) => roundAway(slice(rois, 1, i, i + 1));
  const start = mul(corner(from), constant(scale));
  const end = mul(add(corner(to), constant(1)), constant(scale));
  const cell = div(max(sub(end, start), constant(LEAST_SIZE)), constant(cells));
  const index = (n: number, more = 0) =>
    constant(
      Float32Array.from({ length: n }, (_, i) => i + more),
      [n],
    );
  const within = (edge: Value) => max(min(edge, constant(size)), constant(0));
  const low = within(floor(add(mul(index(cells), cell), start)));
  const high = within(ceil(add(mul(index(cells, 1), cell), start)));
  const r = rois.type.shape[0]!;
  const at = index(size);
  const [lows, highs] = [low, high].map((edge) => reshape(edge, [r, cells, 1])) as [Value, Value];
  const mask = cast(and(greaterOrEqual(at, lows), less(at, highs)), "float32");
  return { mask, length: max(sub(high, low), constant(0)) };
}
