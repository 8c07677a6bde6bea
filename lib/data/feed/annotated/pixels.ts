import { checkAlloc } from "../../../budget.js";
import type { Random } from "../../../random.js";
import type { Image } from "../../image/image.js";
import { type Corners, clipped } from "./geometry.js";
import { drawn } from "./sample.js";
import type { ExpandSpec } from "./spec.js";

/** A part of an image, at whole pixels: its corner and its size are rounded down. */
export function cropped({ shape: [channels, height, width], pixels }: Image, part: Corners): Image {
  const inside = clipped(part);
  const [left, top] = [Math.floor(inside.xmin * width), Math.floor(inside.ymin * height)];
  const newWidth = Math.max(1, Math.floor((inside.xmax - inside.xmin) * width));
  const newHeight = Math.max(1, Math.floor((inside.ymax - inside.ymin) * height));
  const out = new Uint8Array(channels * newHeight * newWidth);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < newHeight; y++) {
      const from = (c * height + Math.min(height - 1, top + y)) * width + Math.min(width - newWidth, left);
      out.set(pixels.subarray(from, from + newWidth), (c * newHeight + y) * newWidth);
    }
  return { shape: [channels, newHeight, newWidth], pixels: out };
}

/** An image somewhere in a larger one of the mean's colour, and the larger one's corners as parts of the image. */
export function expanded(
  random: Random,
  image: Image,
  { probability, greatest }: ExpandSpec,
  colour: readonly number[],
): { readonly image: Image; readonly part: Corners } | undefined {
  if (random.uniform() > probability || Math.abs(greatest - 1) < 1e-2) return undefined;
  const ratio = drawn(random, [1, greatest]);
  const [channels, height, width] = image.shape;
  const [newHeight, newWidth] = [Math.floor(height * ratio), Math.floor(width * ratio)];
  checkAlloc(channels * newHeight * newWidth, `an image expanded to ${newHeight} by ${newWidth}`);
  const top = Math.floor(drawn(random, [0, newHeight - height]));
  const left = Math.floor(drawn(random, [0, newWidth - width]));
  const pixels = new Uint8Array(channels * newHeight * newWidth);
  for (let c = 0; c < channels; c++) {
    pixels.fill(byteOf(colour[c] ?? colour[0] ?? 0), c * newHeight * newWidth, (c + 1) * newHeight * newWidth);
    for (let y = 0; y < height; y++) {
      const from = (c * height + y) * width;
      pixels.set(image.pixels.subarray(from, from + width), (c * newHeight + top + y) * newWidth + left);
    }
  }
  const part = {
    xmin: -left / width,
    ymin: -top / height,
    xmax: (newWidth - left) / width,
    ymax: (newHeight - top) / height,
  };
  return { image: { shape: [channels, newHeight, newWidth], pixels }, part };
}

/** The nearest byte, of halves the even one, as OpenCV rounds. */
export function byteOf(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  return Math.min(255, Math.max(0, rounded));
}
