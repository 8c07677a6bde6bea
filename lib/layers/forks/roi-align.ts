import { constant, type Value } from "../../graph/index.js";
import {
  add,
  and,
  cast,
  div,
  gather,
  greaterOrEqual,
  matMul,
  max,
  min,
  mul,
  reduceMean,
  reshape,
  slice,
  stopGradient,
  sub,
  transpose,
} from "../../ops/index.js";
import { computeLayer } from "../layer.js";
import { boxesOf } from "./roi-pooling.js";

/**
 * ROIAlign (Mask R-CNN): the mean of sampling_ratio^2 bilinear samples in each cell of a pooled_h x pooled_w grid over each box.
 * x [n, c, h, w], boxes [r, 5] of (item, x1, y1, x2, y2), times spatial_scale those of x and at least 1 large; y [r, c, pooled_h,
 * pooled_w]. Samples more than 1 outside of x are 0. Boxes have no gradient.
 * Samples of rows and of columns are mixtures of rows and columns that do not depend on each other: two products for each box.
 */
export const ROIAlign = computeLayer({
  type: "ROIAlign",
  param: "roi_align_param",
  bottoms: 2,
  tops: 1,
  exact: true,
  lower({ bottoms, param, bottomError, error }) {
    const x = bottoms[0]!;
    const rois = boxesOf(bottoms[1]!);
    if (x.type.shape.length !== 4) throw bottomError(0, `ROIAlign takes a blob of 4 axes, not [${x.type.shape}]`);
    if (!rois) throw bottomError(1, `boxes are [r, 5], not [${bottoms[1]!.type.shape}]`);
    const { pooled_h: ph, pooled_w: pw, sampling_ratio: samples } = param;
    if (ph === 0 || pw === 0) throw error("pooled_h and pooled_w must be greater than 0", "pooled_h");
    if (samples <= 0)
      throw error(
        "sampling_ratio must be greater than 0: numbers of samples by the size of boxes are not supported",
        "sampling_ratio",
      );
    const [, , h, w] = x.type.shape as [number, number, number, number];
    const boxes = mul(stopGradient(slice(rois, 1, 1, 5)), constant(param.spatial_scale));
    const rows = mixtures(boxes, 1, { cells: ph, samples, size: h });
    const columns = mixtures(boxes, 0, { cells: pw, samples, size: w });
    const items = reshape(cast(stopGradient(slice(rois, 1, 0, 1)), "int64"), [rois.type.shape[0]!]);
    const own = gather(x, items, 0);
    const r = rois.type.shape[0]!;
    const across = matMul(own, transpose(reshape(columns, [r, 1, pw, w]), [0, 1, 3, 2]));
    return { tops: [matMul(reshape(rows, [r, 1, ph, h]), across)] };
  },
});

/** What each entry of an axis has in each cell of each box: [r, cells, size]. Columns `axis` and `axis` + 2 of boxes are its edges. */
function mixtures(
  boxes: Value,
  axis: number,
  { cells, samples, size }: { cells: number; samples: number; size: number },
): Value {
  const r = boxes.type.shape[0]!;
  const start = reshape(slice(boxes, 1, axis, axis + 1), [r, 1, 1]);
  const end = reshape(slice(boxes, 1, axis + 2, axis + 3), [r, 1, 1]);
  const cell = div(max(sub(end, start), constant(1)), constant(cells));
  const at = Float32Array.from(
    { length: cells * samples },
    (_, i) => Math.floor(i / samples) + ((i % samples) + 0.5) / samples,
  );
  const place = add(start, mul(cell, constant(at, [cells * samples, 1])));
  const inside = cast(and(greaterOrEqual(place, constant(-1)), greaterOrEqual(constant(size), place)), "float32");
  const within = min(max(place, constant(0)), constant(size - 1));
  // A sample takes from an entry what is left of 1 after its distance.
  const entries = constant(
    Float32Array.from({ length: size }, (_, i) => i),
    [size],
  );
  const distance = sub(within, entries);
  const share = max(sub(constant(1), max(distance, sub(constant(0), distance))), constant(0));
  return reduceMean(reshape(mul(share, inside), [r, cells, samples, size]), [2]);
}
