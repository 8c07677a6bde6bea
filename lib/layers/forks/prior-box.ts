import { has } from "../../caffe/message.js";
import type { PriorBoxParameter } from "../../caffe/messages.js";
import { constant } from "../../graph/index.js";
import { computeLayer, heightAndWidth, type Place } from "../layer.js";

/**
 * PriorBox (SSD): the default boxes of a feature map, a constant. Bottoms: the map [n,c,h,w] and the image, for their sizes alone.
 * Top [1, 2, h*w*boxes*4]: corners as parts of the image, then variances. For each cell and min_size, with centre
 * (column + offset, row + offset) * step: a square of min_size, one of sqrt(min_size * max_size), and one box an aspect ratio.
 * With `fixed_size` instead of `min_size`, as forks for FaceBoxes have it: for each size and each `fixed_ratio`, or each aspect ratio,
 * `density` x `density` boxes, whose centres stand a whole number of pixels apart, with lower corners of at least 0 and upper ones of
 * at most 1.
 * Source: Liu et al. 2016, SSD; of densities lippman1125/faceboxes_lqy, prior_box_layer.cpp.
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
    const cell = site.param.fixed_size.length > 0 ? denseBoxes(site) : boxSizes(site);
    if (![0, 1, 4].includes(variance.length)) throw site.error(`${variance.length} variance, not 1 or 4`, "variance");
    const boxes: number[] = [];
    for (let row = 0; row < h; row++) {
      for (let column = 0; column < w; column++) {
        const [x, y] = [(column + offset) * stepW, (row + offset) * stepH];
        for (const { width, height, dx, dy, isCut } of cell) {
          const [left, top] = [x + dx - width / 2, y + dy - height / 2];
          const corners = [left / imageW, top / imageH, (left + width) / imageW, (top + height) / imageH];
          boxes.push(...(isCut ? corners.map((v, i) => (i < 2 ? Math.max(0, v) : Math.min(1, v))) : corners));
        }
      }
    }
    const clipped = clip ? boxes.map((value) => Math.min(1, Math.max(0, value))) : boxes;
    const variances = boxes.map((_, i) => (variance.length === 4 ? variance[i % 4]! : (variance[0] ?? 0.1)));
    return { tops: [constant(Float32Array.from([...clipped, ...variances]), [1, 2, boxes.length])] };
  },
});

function imageSize(place: Place<PriorBoxParameter>): readonly [number, number] {
  const { param } = place;
  const side = (["img_h", "img_w"] as const).find((field) => has(param, field));
  if (side && has(param, "img_size")) throw place.error("either img_size or img_h and img_w, not both", side);
  if (has(param, "img_size")) return [param.img_size, param.img_size];
  return heightAndWidth(place, "img_h", "img_w") ?? (place.bottoms[1]!.type.shape.slice(2) as [number, number]);
}

function stepOf(param: PriorBoxParameter, field: "step_h" | "step_w"): number | undefined {
  if (has(param, "step")) return param.step;
  return has(param, field) ? param[field] : undefined;
}

/** A default box of a cell. */
interface CellBox {
  readonly width: number;
  readonly height: number;
  /** Distances of its centre from the cell's, in pixels of the image. */
  readonly dx: number;
  readonly dy: number;
  /** Its lower corner is at least 0 and its upper one at most 1. */
  readonly isCut: boolean;
}

const inMiddle = (width: number, height: number): CellBox => ({ width, height, dx: 0, dy: 0, isCut: false });

/** Boxes of a cell by `min_size`. */
function boxSizes(place: Place<PriorBoxParameter>): readonly CellBox[] {
  const { param, error } = place;
  const { min_size, max_size } = param;
  for (const field of ["fixed_ratio", "density"] as const)
    if (param[field].length > 0) throw error(`${field} is given without fixed_size`, field);
  // Caffe keeps the sizes as whole numbers.
  const [least, greatest] = [min_size, max_size].map((sizes) => sizes.map(Math.trunc)) as [number[], number[]];
  if (min_size.length === 0) throw error("min_size must be given", "min_size");
  if (max_size.length > 0 && max_size.length !== min_size.length) {
    throw error(`${max_size.length} max_size for ${min_size.length} min_size`, "max_size");
  }
  if (max_size.some((size, i) => size <= min_size[i]!))
    throw error("max_size must be greater than min_size", "max_size");
  const ratios = aspectRatios(param);
  return least.flatMap((size, i) => {
    const middle = greatest.length > 0 ? [Math.sqrt(size * greatest[i]!)] : [];
    return [
      ...[size, ...middle].map((side) => inMiddle(side, side)),
      ...ratios.map((ratio) => inMiddle(size * Math.sqrt(ratio), size / Math.sqrt(ratio))),
    ];
  });
}

/** The aspect ratios other than 1, each once. */
function aspectRatios({ aspect_ratio, flip }: PriorBoxParameter): readonly number[] {
  const ratios: number[] = [];
  for (const ratio of aspect_ratio) {
    if ([1, ...ratios].some((known) => Math.abs(known - ratio) < 1e-6)) continue;
    ratios.push(ratio, ...(flip ? [1 / ratio] : []));
  }
  return ratios;
}

/** Boxes of a cell by `fixed_size`. Throws where the authors' code has room for another number of boxes than it writes. */
function denseBoxes({ param, error }: Place<PriorBoxParameter>): readonly CellBox[] {
  const { fixed_size, fixed_ratio, density, min_size, aspect_ratio } = param;
  if (min_size.length > 0) throw error("min_size and fixed_size are both given", "fixed_size");
  if (density.length !== fixed_size.length)
    throw error(`${density.length} density for ${fixed_size.length} fixed_size`, "density");
  if (fixed_ratio.length > 0 && aspect_ratio.length > 0)
    throw error("fixed_ratio and aspect_ratio are both given", "fixed_ratio");
  if (fixed_ratio.length > 1)
    throw error(
      `${fixed_ratio.length} fixed_ratio: the fork has no room for the boxes of more than one`,
      "fixed_ratio",
    );
  const ratios = fixed_ratio.length > 0 ? fixed_ratio : [1, ...aspectRatios(param)];
  return fixed_size.flatMap((size, s) => {
    // The forks compute with whole numbers here.
    const count = Math.trunc(density[s]!);
    const step = Math.trunc(size / count);
    if (!(size > 0 && count > 0))
      throw error(`fixed_size ${size} and density ${density[s]} must be positive`, "density");
    const places = Array.from({ length: count }, (_, i) => step / 2 + i * step - Math.trunc(Math.trunc(size) / 2));
    return ratios.flatMap((ratio, r) => {
      // Of the squares the sides are whole numbers too.
      const isSquare = r === 0 && fixed_ratio.length === 0;
      const [width, height] = isSquare
        ? [Math.trunc(size), Math.trunc(size)]
        : [size * Math.sqrt(ratio), size / Math.sqrt(ratio)];
      return places.flatMap((dy) => places.map((dx) => ({ width, height, dx, dy, isCut: true })));
    });
  });
}
