import type { LayerParameter } from "../caffe/messages.js";
import { factsOf, type SlidingWindow } from "../layers/index.js";

/** Receptive field of an entry of a blob, and the distance between neighbours' fields; height and width, in pixels. */
export interface ReceptiveField {
  readonly size: readonly [height: number, width: number];
  readonly stride: readonly [height: number, width: number];
}

/** The field of a data blob: each pixel sees itself. */
export const PIXEL: ReceptiveField = { size: [1, 1], stride: [1, 1] };

/** A layer's field from those of its bottoms; undefined where its entries see the whole image or places are mixed. */
export function receptiveField(
  layer: LayerParameter,
  bottoms: readonly (ReceptiveField | undefined)[],
): ReceptiveField | undefined {
  const [first, ...rest] = bottoms;
  const { sees } = factsOf(layer);
  if (!first || sees === undefined) return undefined;
  if (sees === "place") return merge(first, rest);
  const window = sees(layer);
  return window && widen(first, window);
}

function widen({ size, stride }: ReceptiveField, window: SlidingWindow): ReceptiveField {
  const each = (axis: 0 | 1) => size[axis] + (window.kernel[axis] - 1) * stride[axis];
  return {
    size: [each(0), each(1)],
    stride: [stride[0] * window.stride[0], stride[1] * window.stride[1]],
  };
}

function merge(first: ReceptiveField, rest: readonly (ReceptiveField | undefined)[]): ReceptiveField | undefined {
  let { size } = first;
  for (const field of rest) {
    if (!field || field.stride.some((step, axis) => step !== first.stride[axis])) return undefined;
    size = [Math.max(size[0], field.size[0]), Math.max(size[1], field.size[1])];
  }
  return { size, stride: first.stride };
}
