import { count, type Value } from "../../graph/index.js";
import { reshape, slice } from "../../ops/index.js";
import { maxRoiPool } from "../../ops/roi-pool.js";
import { REGIONS } from "../implied.js";
import { computeLayer, type Place } from "../layer.js";

/**
 * ROIPooling (Fast R-CNN): the maximum of each cell of a pooled_h x pooled_w grid over each box. x [n,c,h,w], boxes [r,5] of (item,
 * x1, y1, x2, y2) in image coordinates, times spatial_scale those of x, rounded; y [r, c, pooled_h, pooled_w]. The gradient goes to
 * the first maximum of each cell; boxes have none.
 */
export const ROIPooling = computeLayer({
  type: "ROIPooling",
  param: "roi_pooling_param",
  bottoms: 2,
  implies: () => REGIONS,
  tops: 1,
  exact: true,
  lower(site) {
    const { param, error } = site;
    const { x, rois } = mapsAndBoxes(site);
    if (param.pooled_h === 0 || param.pooled_w === 0)
      throw error("pooled_h and pooled_w must be greater than 0", "pooled_h");
    return {
      tops: [maxRoiPool(x, rois, { pooled: [param.pooled_h, param.pooled_w], scale: param.spatial_scale })],
    };
  },
});

/**
 * Maps [n, c, h, w] and boxes [r, 5], which old prototxts have as [r, 5, 1, 1]. Of longer rows the first five numbers count, as in
 * the authors' code, which does not look at their shape. Throws for maps of other axes and rows of fewer numbers.
 */
export function mapsAndBoxes({ layer, bottoms, bottomError }: Place<unknown>): {
  readonly x: Value;
  readonly rois: Value;
} {
  const [x, boxes] = bottoms as [Value, Value];
  if (x.type.shape.length !== 4) throw bottomError(0, `${layer.type} takes a blob of 4 axes, not [${x.type.shape}]`);
  const { shape } = boxes.type;
  const length = shape.length < 2 ? 0 : count(shape, 1);
  if (length < 5) throw bottomError(1, `boxes are [r, 5], not [${shape}]`);
  const rows = reshape(boxes, [shape[0]!, length]);
  return { x, rois: length === 5 ? rows : slice(rows, 1, 0, 5) };
}
