import { has, sub as message } from "../../caffe/message.js";
import type { ROIAlignParameter } from "../../caffe/messages.js";
import { apply, arange, constant, type Value } from "../../graph/index.js";
import {
  add,
  and,
  cast,
  div,
  floor,
  gather,
  greaterOrEqual,
  less,
  matMul,
  max,
  min,
  mul,
  neg,
  reduceMax,
  reduceSum,
  reshape,
  slice,
  stopGradient,
  sub,
  transpose,
} from "../../ops/index.js";
import { RoiAlign } from "../../ops/inference.js";
import { REGIONS } from "../implied.js";
import { computeLayer, type Place, type Site } from "../layer.js";
import { mapsAndBoxes } from "./roi-pooling.js";

/**
 * ROIAlign (Mask R-CNN): the mean of bilinear samples in each cell of a pooled_h x pooled_w grid over each box: sampling_ratio of each
 * axis, or as many as a cell has entries, rounded up. x [n, c, h, w], boxes [r, 5] of (item, x1, y1, x2, y2), times spatial_scale those
 * of x and at least 1 large; y [r, c, pooled_h, pooled_w]. Samples more than 1 outside of x are 0. Boxes have no gradient.
 * Samples of rows and of columns are mixtures of rows and columns that do not depend on each other: two products for each box.
 * The sizes may be in roi_pooling_param instead of roi_align_param, as some forks have them.
 */
export const ROIAlign = computeLayer({
  type: "ROIAlign",
  param: "roi_align_param",
  also: ["roi_pooling_param"],
  bottoms: 2,
  implies: () => REGIONS,
  tops: 1,
  exact: true,
  lower(site) {
    const { x, rois, pooled, scale, samples } = checked(site);
    const [, , h, w] = x.type.shape as [number, number, number, number];
    const r = rois.type.shape[0]!;
    const boxes = mul(stopGradient(slice(rois, 1, 1, 5)), constant(scale));
    const [down, across] = [axisOf(boxes, 1, pooled[0], samples), axisOf(boxes, 0, pooled[1], samples)];
    const most = samples || numberOfSamples(site, down, across);
    const rows = mixtures(down, pooled[0], most, h);
    const columns = mixtures(across, pooled[1], most, w);
    const items = reshape(cast(stopGradient(slice(rois, 1, 0, 1)), "int64"), [r]);
    const mixed = matMul(gather(x, items, 0), transpose(reshape(columns, [r, 1, pooled[1], w]), [0, 1, 3, 2]));
    return { tops: [matMul(reshape(rows, [r, 1, pooled[0], h]), mixed)] };
  },
  lowerForInference(site) {
    const { x, rois, pooled, scale, samples } = checked(site);
    const items = reshape(cast(slice(rois, 1, 0, 1), "int64"), [rois.type.shape[0]!]);
    return [apply(RoiAlign, { pooled, scale, samples }, x, slice(rois, 1, 1, 5), items)];
  },
});

function checked(place: Place<ROIAlignParameter>) {
  const { layer, param: own, error } = place;
  const { x, rois } = mapsAndBoxes(place);
  const param = has(layer, "roi_align_param") ? own : message(layer, "roi_pooling_param");
  if (param.pooled_h === 0 || param.pooled_w === 0)
    throw error("pooled_h and pooled_w must be greater than 0", "pooled_h");
  const pooled = [param.pooled_h, param.pooled_w] as const;
  return { x, rois, pooled, scale: param.spatial_scale, samples: Math.max(0, own.sampling_ratio) };
}

/** An axis of boxes: where they start, the size of a cell, and the number of samples in it, all [r, 1, 1]. */
interface Axis {
  readonly start: Value;
  readonly cell: Value;
  readonly samples: Value;
}

/** Columns `axis` and `axis` + 2 of boxes are the edges. */
function axisOf(boxes: Value, axis: number, cells: number, samples: number): Axis {
  const r = boxes.type.shape[0]!;
  const edge = (i: number) => reshape(slice(boxes, 1, i, i + 1), [r, 1, 1]);
  const start = edge(axis);
  const cell = div(max(sub(edge(axis + 2), start), constant(1)), constant(cells));
  return { start, cell, samples: samples > 0 ? constant(samples) : neg(floor(neg(cell))) };
}

/** The greatest number of samples of any box, which the data tells. */
function numberOfSamples(site: Site<unknown>, ...axes: readonly Axis[]): number {
  const { shape } = site.bottoms[0]!.type;
  const greatest = axes.map(({ samples }) => reshape(reduceMax(samples, [0]), []));
  return site.size(greatest.reduce(max), Math.max(shape[2]!, shape[3]!));
}

/** Weights of each entry of an axis in each cell of each box, of at most `most` samples: [r, cells, size]. */
function mixtures({ start, cell, samples }: Axis, cells: number, most: number, size: number): Value {
  const sample = arange(most, [1, most]);
  const counts = cast(less(sample, samples), "float32");
  const within = add(arange(cells, [cells, 1]), div(add(sample, constant(0.5)), samples));
  const r = start.type.shape[0]!;
  const place = reshape(add(start, mul(cell, within)), [r, cells, most, 1]);
  const inside = cast(and(greaterOrEqual(place, constant(-1)), greaterOrEqual(constant(size), place)), "float32");
  // A sample takes from an entry what is left of 1 after its distance.
  const distance = sub(min(max(place, constant(0)), constant(size - 1)), arange(size, [size]));
  const share = max(sub(constant(1), max(distance, neg(distance))), constant(0));
  const rank = counts.type.shape.length === 3 ? [r, 1, most, 1] : [1, 1, most, 1];
  const sum = reduceSum(mul(mul(share, inside), reshape(counts, rank)), [2]);
  return div(sum, samples);
}
