import { arange, constant, type Value } from "../../graph/index.js";
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
  reshape,
  roundAway,
  slice,
  sub,
  transpose,
} from "../../ops/index.js";
import { REGIONS } from "../implied.js";
import { bottomText, computeLayer, type Place } from "../layer.js";
import { linearShares } from "./linear-shares.js";
import { mapsAndBoxes } from "./roi-pooling.js";

/** Shares of the entries of an axis in samples at places [..., k, 1]: [..., k, size], linear between two entries; 0 beyond half an entry outside. */
function shares(place: Value, size: number): Value {
  const inside = and(greaterOrEqual(place, constant(-0.5)), greaterOrEqual(constant(size - 0.5), place));
  const nearest = min(max(place, constant(0)), constant(size - 1));
  return mul(linearShares(nearest, size), cast(inside, "float32"));
}

function fourAxes(place: Place<unknown>, index: number): readonly [number, number, number, number] {
  const { shape } = place.bottoms[index]!.type;
  if (shape.length !== 4) throw place.bottomError(index, `${bottomText(place, index)} does not have 4 axes`);
  return shape as unknown as readonly [number, number, number, number];
}

/**
 * ROIWarping (MNC): x at the corners of pooled_h x pooled_w cells over each box, between entries by bilinear interpolation.
 * x [n, c, h, w], boxes [r, 5] of (item, x1, y1, x2, y2), times spatial_scale and rounded those of x; y [r, c, pooled_h, pooled_w].
 * For inference: the fork's gradient to the boxes is not that of this function. Source: daijifeng001/caffe-mnc,
 * roi_warping_layer.cu.
 */
export const ROIWarping = computeLayer({
  type: "ROIWarping",
  param: "roi_warping_param",
  bottoms: 2,
  implies: () => REGIONS,
  tops: 1,
  inferenceOnly: true,
  exact: true,
  lower(site) {
    const { pooled_h, pooled_w, spatial_scale: scale } = site.param;
    const { x, rois } = mapsAndBoxes(site);
    const [h, w] = x.type.shape.slice(2) as [number, number];
    if (pooled_h === 0 || pooled_w === 0)
      throw site.error("pooled_h and pooled_w must be greater than 0", pooled_h === 0 ? "pooled_h" : "pooled_w");
    const r = rois.type.shape[0]!;
    const edge = (i: number) => roundAway(mul(slice(rois, 1, i, i + 1), constant(scale)));
    const axis = (i: number, cells: number, size: number) => {
      const cell = div(max(sub(edge(i + 2), edge(i)), constant(0)), constant(cells));
      return shares(reshape(add(edge(i), mul(cell, arange(cells))), [r, cells, 1]), size);
    };
    const [rows, columns] = [axis(2, pooled_h, h), axis(1, pooled_w, w)];
    const items = reshape(cast(slice(rois, 1, 0, 1), "int64"), [r]);
    const across = transpose(reshape(columns, [r, 1, pooled_w, w]), [0, 1, 3, 2]);
    const mixed = matMul(gather(x, items, 0), across);
    return { tops: [matMul(reshape(rows, [r, 1, pooled_h, h]), mixed)] };
  },
});

/**
 * MaskPooling (MNC): x [n, c, h, w] times a mask [n, 1, h, w] of its items. Source: daijifeng001/caffe-mnc, mask_pooling_layer.cu.
 */
export const MaskPooling = computeLayer({
  type: "MaskPooling",
  param: null,
  bottoms: 2,
  tops: 1,
  sees: "place",
  implies: (_, shapeOf) => {
    const x = shapeOf(0);
    return new Map(x?.length === 4 ? [[1, [x[0]!, 1, x[2]!, x[3]!]]] : []);
  },
  lower(site) {
    const [n, , h, w] = fourAxes(site, 0);
    if (fourAxes(site, 1).join() !== [n, 1, h, w].join())
      throw site.bottomError(1, `${bottomText(site, 1)} is not a mask [${[n, 1, h, w]}] of ${bottomText(site, 0)}`);
    return { tops: [mul(site.bottoms[0]!, site.bottoms[1]!)] };
  },
});

/**
 * MaskResize (MNC): masks x [n, c, h, w] in another size, read at (row * h / output_height, column * w / output_width) by bilinear
 * interpolation. For inference: the fork's gradient leaves out a part where masks grow. Source: daijifeng001/caffe-mnc,
 * mask_resize_layer.cu.
 */
export const MaskResize = computeLayer({
  type: "MaskResize",
  param: "mask_resize_param",
  bottoms: 1,
  tops: 1,
  inferenceOnly: true,
  lower(site) {
    const { output_height: down, output_width: across } = site.param;
    const [, , h, w] = fourAxes(site, 0);
    if (down === 0 || across === 0)
      throw site.error(
        "output_height and output_width must be greater than 0",
        down === 0 ? "output_height" : "output_width",
      );
    const mixture = (n: number, size: number) =>
      shares(reshape(mul(arange(n), constant(Math.fround(size / n))), [n, 1]), size);
    return {
      tops: [matMul(mixture(down, h), matMul(site.bottoms[0]!, transpose(mixture(across, w), [1, 0])))],
    };
  },
});
