import type { Image } from "./image.js";

/**
 * An image whose sides are at least `side`, padded below and right where they are not. `values` are empty (0), one for all channels or one a
 * channel, and are rounded to bytes, as OpenCV's copyMakeBorder does.
 */
export function padImage(image: Image, side: number, values: readonly number[]): Image {
  const [channels, height, width] = image.shape;
  const [newHeight, newWidth] = [Math.max(height, side), Math.max(width, side)];
  if (newHeight === height && newWidth === width) return image;
  const size = newHeight * newWidth;
  const pixels = new Uint8ClampedArray(channels * size);
  for (let c = 0; c < channels; c++) {
    pixels.fill(values[c] ?? values[0] ?? 0, c * size, (c + 1) * size);
    for (let h = 0; h < height; h++) {
      const from = (c * height + h) * width;
      pixels.set(image.pixels.subarray(from, from + width), c * size + h * newWidth);
    }
  }
  return { shape: [channels, newHeight, newWidth], pixels: new Uint8Array(pixels.buffer) };
}
