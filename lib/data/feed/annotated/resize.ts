import { NetrunError } from "../../../error.js";
import type { Image } from "../../image/image.js";
import { byteOf } from "./pixels.js";
import type { ResizeSpec } from "./spec.js";

/**
 * An image that keeps its aspect ratio in one of a given size, in the middle; the rest is a value, the edge or the mirror image.
 * `to` resizes it. Throws a NetrunError where fill values and channels do not go together.
 */
export function padded(
  { shape: [channels, oldHeight, oldWidth] }: Image,
  { height, width, fill, values }: ResizeSpec,
  to: (height: number, width: number) => Image,
): Image {
  if (values.length > 1 && values.length !== channels)
    throw new NetrunError(`resize_param has ${values.length} pad_value but the image ${channels} channels`);
  const aspect = oldWidth / oldHeight;
  const [newHeight, newWidth] =
    aspect > width / height
      ? [Math.max(1, Math.floor(width / aspect)), width]
      : [height, Math.max(1, Math.floor(aspect * height))];
  const { pixels } = to(newHeight, newWidth);
  const [top, left] = [Math.floor((height - newHeight) / 2), Math.floor((width - newWidth) / 2)];
  const out = new Uint8Array(channels * height * width);
  for (let c = 0; c < channels; c++) {
    const value = byteOf(values[c] ?? values[0] ?? 0);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const [row, column] = [placeOf(y - top, newHeight, fill), placeOf(x - left, newWidth, fill)];
        out[(c * height + y) * width + x] =
          row < 0 || column < 0 ? value : pixels[(c * newHeight + row) * newWidth + column]!;
      }
  }
  return { shape: [channels, height, width], pixels: out };
}

/**
 * Size of an image that keeps its aspect ratio and covers a given size: one side is that, the other larger and rounded down.
 * Source: AspectKeepingResizeBySmall in util/im_transforms.cpp of SSD's Caffe.
 */
export function sizeAround(
  { shape: [, oldHeight, oldWidth] }: Image,
  { height, width }: ResizeSpec,
): readonly [height: number, width: number] {
  const aspect = Math.fround(oldWidth / oldHeight);
  return aspect < Math.fround(width / height)
    ? [Math.floor(Math.fround(width / aspect)), width]
    : [height, Math.floor(Math.fround(aspect * height))];
}

/** The row or column that a place outside shows; -1: none. */
function placeOf(at: number, length: number, fill: ResizeSpec["fill"]): number {
  if (at >= 0 && at < length) return at;
  if (fill === "constant") return -1;
  if (fill === "edge" || length === 1) return at < 0 ? 0 : length - 1;
  const round = 2 * (length - 1);
  const folded = ((at % round) + round) % round;
  return folded < length ? folded : round - folded;
}
