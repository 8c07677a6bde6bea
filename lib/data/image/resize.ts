import type { Image } from "./image.js";

/** Weights are fixed point with 11 bits, as OpenCV's INTER_RESIZE_COEF_BITS. */
const ONE = 2048;

/** For each target position: the two source positions beside its centre and their weights, which sum to 2048. */
interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly lowWeight: Int32Array;
  readonly highWeight: Int32Array;
}

/** Resizes an image by OpenCV's INTER_NEAREST rule, which mixes no pixels: labels stay labels. */
export function nearestImage(image: Image, height: number, width: number): Image {
  const [channels, oldHeight, oldWidth] = image.shape;
  if (oldHeight === height && oldWidth === width) return image;
  const at = (i: number, old: number, size: number) => Math.min(Math.floor((i * old) / size), old - 1);
  const pixels = new Uint8Array(channels * height * width);
  for (let c = 0; c < channels; c++)
    for (let h = 0; h < height; h++)
      for (let w = 0; w < width; w++) {
        const from = (c * oldHeight + at(h, oldHeight, height)) * oldWidth + at(w, oldWidth, width);
        pixels[(c * height + h) * width + w] = image.pixels[from]!;
      }
  return { shape: [channels, height, width], pixels };
}

/**
 * Resizes an image of bytes by OpenCV's INTER_LINEAR rule: pixel centres at (i + 0.5) * scale - 0.5, edges repeated,
 * weights of 11 bits, and the mean of four pixels where both sides halve. Source: OpenCV's resize for 8-bit images.
 */
export function resizeImage(image: Image, height: number, width: number): Image {
  const [channels, oldHeight, oldWidth] = image.shape;
  if (oldHeight === height && oldWidth === width) return image;
  const pixels = new Uint8Array(channels * height * width);
  const halves = oldHeight === 2 * height && oldWidth === 2 * width;
  const [columns, rows] = [taps(oldWidth, width), taps(oldHeight, height)];
  for (let c = 0; c < channels; c++) {
    const source = image.pixels.subarray(c * oldHeight * oldWidth, (c + 1) * oldHeight * oldWidth);
    const target = pixels.subarray(c * height * width, (c + 1) * height * width);
    if (halves) halve(source, target, height, width);
    else interpolate(source, oldWidth, target, columns, rows);
  }
  return { shape: [channels, height, width], pixels };
}

function taps(from: number, to: number): Taps {
  const [low, high] = [new Int32Array(to), new Int32Array(to)];
  const [lowWeight, highWeight] = [new Int32Array(to), new Int32Array(to)];
  for (let i = 0; i < to; i++) {
    const centre = Math.fround((i + 0.5) * (from / to) - 0.5);
    const floor = Math.floor(centre);
    const inside = floor >= 0 && floor < from - 1;
    const fraction = inside ? Math.fround(centre - floor) : 0;
    low[i] = Math.min(from - 1, Math.max(0, floor));
    high[i] = inside ? floor + 1 : low[i]!;
    lowWeight[i] = roundHalfEven((1 - fraction) * ONE);
    highWeight[i] = roundHalfEven(fraction * ONE);
  }
  return { low, high, lowWeight, highWeight };
}

function interpolate(source: Uint8Array, stride: number, target: Uint8Array, columns: Taps, rows: Taps): void {
  const width = columns.low.length;
  for (let y = 0, at = 0; y < rows.low.length; y++) {
    const [top, bottom] = [rows.low[y]! * stride, rows.high[y]! * stride];
    const [topWeight, bottomWeight] = [rows.lowWeight[y]!, rows.highWeight[y]!];
    for (let x = 0; x < width; x++, at++) {
      const [left, right] = [columns.low[x]!, columns.high[x]!];
      const [a, b] = [columns.lowWeight[x]!, columns.highWeight[x]!];
      const above = source[top + left]! * a + source[top + right]! * b;
      const below = source[bottom + left]! * a + source[bottom + right]! * b;
      // OpenCV drops bits before and after the second product, so that 32 bits hold it.
      target[at] = (((topWeight * (above >> 4)) >> 16) + ((bottomWeight * (below >> 4)) >> 16) + 2) >> 2;
    }
  }
}

function halve(source: Uint8Array, target: Uint8Array, height: number, width: number): void {
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) {
      const i = 2 * y * 2 * width + 2 * x;
      target[at] = (source[i]! + source[i + 1]! + source[i + 2 * width]! + source[i + 2 * width + 1]! + 2) >> 2;
    }
}

/** As the processor rounds when it converts a float to an integer. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}
