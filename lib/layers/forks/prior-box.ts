import { has } from "../../caffe/message.js";
import type { PriorBoxParameter } from "../../caffe/messages.js";
import { constant } from "../../graph/index.js";
import { computeLayer, type Place } from "../layer.js";

/**
 * PriorBox (SSD): the default boxes of a feature map, a constant. Bottoms: the map [n,c,h,w] and the image, for their sizes alone.
 * Top [1, 2, h*w*boxes*4]: corners as parts of the image, then variances. For each cell and min_size, with centre
 * (column + offset, row + offset) * step: a square of min_size, one of sqrt(min_size * max_size), and one box an aspect ratio.
 */
export const PriorBox = computeLayer({
  type: "PriorBox",
  param: "prior_box_param",
  bottoms: 2,
  tops: 1,
  lower(site) {
    const [h, w] = site.bottoms[0]!.type.shape.slice(2) as [number, number];
    const [imageH, imageW] = imageSize(site);
    const { offset, clip, variance } = site.param;
    const stepH = stepOf(site.param, "step_h") ?? imageH / h;
    const stepW = stepOf(site.param, "step_w") ?? imageW / w;
    const sizes = boxSizes(site);
    if (![0, 1, 4].includes(variance.length)) throw site.error(`${variance.length} variance, not 1 or 4`, "variance");
    const boxes: number[] = [];
    for (let row = 0; row < h; row++) {
      for (let column = 0; column < w; column++) {
        const [x, y] = [(column + offset) * stepW, (row + offset) * stepH];
        for (const [width, height] of sizes) {
          const corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
          boxes.push(...corners.map((value, i) => value / (i % 2 === 0 ? imageW : imageH)));
        }
      }
    }
    const clipped = clip ? boxes.map((value) => Math.min(1, Math.max(0, value))) : boxes;
    const variances = boxes.map((_, i) => (variance.length === 4 ? variance[i % 4]! : (variance[0] ?? 0.1)));
    return { tops: [constant(Float32Array.from([...clipped, ...variances]), [1, 2, boxes.length])] };
  },
});

function imageSize({ param, bottoms }: Place<PriorBoxParameter>): readonly [number, number] {
  if (has(param, "img_size")) return [param.img_size, param.img_size];
  if (has(param, "img_h") && has(param, "img_w")) return [param.img_h, param.img_w];
  return bottoms[1]!.type.shape.slice(2) as [number, number];
}

function stepOf(param: PriorBoxParameter, field: "step_h" | "step_w"): number | undefined {
  if (has(param, "step")) return param.step;
  return has(param, field) ? param[field] : undefined;
}

/** Widths and heights of a cell's boxes. */
function boxSizes({ param, error }: Place<PriorBoxParameter>): readonly (readonly [number, number])[] {
  const { min_size, max_size, aspect_ratio, flip } = param;
  // Caffe keeps the sizes as whole numbers.
  const [least, greatest] = [min_size, max_size].map((sizes) => sizes.map(Math.trunc)) as [number[], number[]];
  if (min_size.length === 0) throw error("min_size must be given", "min_size");
  if (max_size.length > 0 && max_size.length !== min_size.length) {
    throw error(`${max_size.length} max_size for ${min_size.length} min_size`, "max_size");
  }
  if (max_size.some((size, i) => size <= min_size[i]!))
    throw error("max_size must be greater than min_size", "max_size");
  const ratios: number[] = [];
  for (const ratio of aspect_ratio) {
    if ([1, ...ratios].some((known) => Math.abs(known - ratio) < 1e-6)) continue;
    ratios.push(ratio, ...(flip ? [1 / ratio] : []));
  }
  return least.flatMap((size, i) => {
    const middle = greatest.length > 0 ? [Math.sqrt(size * greatest[i]!)] : [];
    return [
      ...[size, ...middle].map((side) => [side, side] as const),
      ...ratios.map((ratio) => [size * Math.sqrt(ratio), size / Math.sqrt(ratio)] as const),
    ];
  });
}
