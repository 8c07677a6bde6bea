import type { SliceParameter } from "../caffe/messages.js";
import { slice } from "../ops/index.js";
import { SAME_MEMORY } from "./caffe-memory.js";
import { computeLayer, type Site } from "./layer.js";
import { legacyAxis } from "./legacy-axis.js";

/**
 * Slice: the bottom cut along `axis` (or the old, never negative `slice_dim`) at each `slice_point`, one top more than points;
 * without points into tops of equal size.
 */
export const Slice = computeLayer({
  type: "Slice",
  param: "slice_param",
  bottoms: 1,
  tops: [1, Number.POSITIVE_INFINITY],
  caffeMemory: ({ top }) => (top.length === 1 ? SAME_MEMORY : { readsBottom: "nothing" }),
  sees: "place",
  lower(site) {
    const x = site.bottoms[0]!;
    const { shape } = x.type;
    const axis = legacyAxis(site, "slice_dim", site.param.slice_dim, shape.length);
    const bounds = [0, ...cuts(site, shape[axis]!, axis), shape[axis]!];
    return { tops: bounds.slice(1).map((end, i) => slice(x, axis, bounds[i]!, end)) };
  },
});

/** Cuts of the bottom: rising entries of the axis, one fewer than tops. */
function cuts(site: Site<SliceParameter>, dim: number, axis: number): readonly number[] {
  const { topCount, param } = site;
  const points = param.slice_point;
  if (points.length === 0) {
    if (dim % topCount !== 0) {
      throw site.error(`${topCount} tops do not divide the ${dim} entries of axis ${axis} evenly`, "top", [
        "give a slice_point between each two tops to cut unevenly",
      ]);
    }
    return Array.from({ length: topCount - 1 }, (_, i) => ((i + 1) * dim) / topCount);
  }
  if (points.length !== topCount - 1) {
    throw site.error(`${points.length} slice_point for ${topCount} tops`, "slice_point", [
      "give one between each two tops, or none",
    ]);
  }
  if (topCount > dim) throw site.error(`${topCount} tops for the ${dim} entries of axis ${axis}`, "top");
  points.forEach((point, i) => {
    const before = i === 0 ? 0 : points[i - 1]!;
    if (point <= before)
      throw site.error(`slice_point ${point} is not greater than ${before} before it`, "slice_point");
    if (point > dim)
      throw site.error(`slice_point ${point} is beyond the ${dim} entries of axis ${axis}`, "slice_point");
  });
  return points;
}
