import type { Image } from "./image.js";

/** Interpolation of each position of a side: places and weights, as many for each. */
interface Taps {
  readonly places: Int32Array;
  readonly weights: Float64Array;
  readonly each: number;
}

/** OpenCV's ways to interpolate beside the linear one. */
export type Resampling = "area" | "nearest" | "cubic" | "lanczos4";

/** OpenCV's INTER_CUBIC has this coefficient. */
const CUBIC = -0.75;

/**
 * Resizes an image of bytes as OpenCV's resize does with INTER_AREA (the linear rule where a side grows), INTER_NEAREST, INTER_CUBIC
 * or INTER_LANCZOS4: the same positions and weights, in double precision, so that bytes may differ by one.
 */
export function resample({ shape, pixels }: Image, height: number, width: number, by: Resampling): Image {
  const [channels, oldHeight, oldWidth] = shape;
  const shrinks = height <= oldHeight && width <= oldWidth;
  const taps = (from: number, to: number) => tapsOf(from, to, by, shrinks);
  const [columns, rows] = [taps(oldWidth, width), taps(oldHeight, height)];
  const out = new Uint8Array(channels * height * width);
  const wide = new Float64Array(oldHeight * width);
  for (let c = 0; c < channels; c++) {
    const plane = pixels.subarray(c * oldHeight * oldWidth, (c + 1) * oldHeight * oldWidth);
    for (let y = 0; y < oldHeight; y++)
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let k = x * columns.each; k < (x + 1) * columns.each; k++)
          sum += plane[y * oldWidth + columns.places[k]!]! * columns.weights[k]!;
        wide[y * width + x] = sum;
      }
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let k = y * rows.each; k < (y + 1) * rows.each; k++)
          sum += wide[rows.places[k]! * width + x]! * rows.weights[k]!;
        out[(c * height + y) * width + x] = Math.max(0, Math.min(255, Math.round(sum)));
      }
  }
  return { shape: [channels, height, width], pixels: out };
}

function tapsOf(from: number, to: number, by: Resampling, shrinks: boolean): Taps {
  const scale = from / to;
  switch (by) {
    case "nearest":
      return made(to, 1, (i) => [Math.floor(i * scale), () => 1], from);
    case "area":
      return shrinks ? areaTaps(from, to) : made(to, 2, (i) => around((i + 0.5) * scale - 0.5, 0, (d) => 1 - d), from);
    case "cubic":
      return made(to, 4, (i) => around((i + 0.5) * scale - 0.5, 1, cubic), from);
    case "lanczos4":
      return made(to, 8, (i) => around((i + 0.5) * scale - 0.5, 3, lanczos), from);
  }
}

/** The first place and the weight of each, by its distance. */
type Window = readonly [first: number, weight: (k: number) => number];

function around(centre: number, before: number, weight: (distance: number) => number): Window {
  const first = Math.floor(centre) - before;
  return [first, (k) => weight(Math.abs(first + k - centre))];
}

/** Windows of `each` places whose weights sum to 1; places outside repeat the edge. */
function made(to: number, each: number, windowOf: (i: number) => Window, from: number): Taps {
  const places = new Int32Array(to * each);
  const weights = new Float64Array(to * each);
  for (let i = 0; i < to; i++) {
    const [first, weight] = windowOf(i);
    const own = Array.from({ length: each }, (_, k) => weight(k));
    const sum = own.reduce((a, b) => a + b, 0);
    own.forEach((value, k) => {
      places[i * each + k] = Math.min(from - 1, Math.max(0, first + k));
      weights[i * each + k] = value / sum;
    });
  }
  return { places, weights, each };
}

/** Means over what each new pixel covers of the old ones. */
function areaTaps(from: number, to: number): Taps {
  const scale = from / to;
  const each = Math.ceil(scale) + 1;
  return made(
    to,
    each,
    (i) => {
      const [low, high] = [i * scale, (i + 1) * scale];
      const first = Math.floor(low);
      return [first, (k) => Math.max(0, Math.min(high, first + k + 1, from) - Math.max(low, first + k))];
    },
    from,
  );
}

function cubic(d: number): number {
  if (d <= 1) return ((CUBIC + 2) * d - (CUBIC + 3)) * d * d + 1;
  return d < 2 ? ((CUBIC * d - 5 * CUBIC) * d + 8 * CUBIC) * d - 4 * CUBIC : 0;
}

function lanczos(d: number): number {
  if (d < 1e-9) return 1;
  const x = Math.PI * d;
  return d < 4 ? (4 * Math.sin(x) * Math.sin(x / 4)) / (x * x) : 0;
}
