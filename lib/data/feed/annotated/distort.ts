import type { Random } from "../../../random.js";
import type { Image } from "../../image/image.js";
import { byteOf } from "./pixels.js";
import { drawn } from "./sample.js";
import type { Chance, DistortSpec } from "./spec.js";

/** Hue is in steps of two degrees, as OpenCV has it in bytes. */
const HUES = 180;

/**
 * An image [3, h, w] (blue, green, red) with other colours: brightness, then contrast before or after saturation and hue, then
 * channels in another order, each by chance. Source: ApplyDistort in util/im_transforms.cpp of SSD's Caffe.
 */
export function distorted(random: Random, image: Image, spec: DistortSpec): Image {
  const contrastFirst = random.uniform() > 0.5;
  let { pixels } = image;
  const each = (change: (value: number) => number): void => {
    const table = Uint8Array.from({ length: 256 }, (_, value) => byteOf(change(value)));
    pixels = pixels.map((value) => table[value]!);
  };
  const chance = ({ probability, range }: Chance, change: (amount: number) => void): void => {
    if (random.uniform() < probability) change(drawn(random, range));
  };
  const contrast = () => chance(spec.contrast, (factor) => each((value) => value * factor));
  chance(spec.brightness, (amount) => each((value) => value + amount));
  if (contrastFirst) contrast();
  chance(spec.saturation, (factor) => {
    pixels = inHsv(pixels, (hue, saturation) => [hue, byteOf(saturation * factor)]);
  });
  chance(spec.hue, (amount) => {
    pixels = inHsv(pixels, (hue, saturation) => [byteOf(hue + amount), saturation]);
  });
  if (!contrastFirst) contrast();
  if (random.uniform() < spec.order) pixels = reordered(random, pixels);
  return { shape: image.shape, pixels };
}

/** Planes in another order. */
function reordered(random: Random, pixels: Uint8Array): Uint8Array<ArrayBuffer> {
  const order = [0, 1, 2];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const area = pixels.length / 3;
  const out = new Uint8Array(pixels.length);
  order.forEach((from, to) => {
    out.set(pixels.subarray(from * area, (from + 1) * area), to * area);
  });
  return out;
}

/** Pixels whose hue (0 to 179) and saturation (0 to 255) are changed. */
function inHsv(
  pixels: Uint8Array,
  change: (hue: number, saturation: number) => readonly [hue: number, saturation: number],
): Uint8Array<ArrayBuffer> {
  const area = pixels.length / 3;
  const out = new Uint8Array(pixels.length);
  for (let i = 0; i < area; i++) {
    const [b, g, r] = [pixels[i]!, pixels[area + i]!, pixels[2 * area + i]!];
    const [hue, saturation, value] = hsvOf(b, g, r);
    const [newHue, newSaturation] = change(hue, saturation);
    const colours = fromHsv((newHue % HUES) / (HUES / 6), newSaturation / 255, value);
    colours.forEach((colour, c) => {
      out[c * area + i] = byteOf(colour);
    });
  }
  return out;
}

/** OpenCV's factors of 12 bits: of a sector of the colour circle by its range, and of a saturation by its value. */
const [SECTORS, SATURATIONS] = [HUES / 6, 255].map((whole) =>
  Int32Array.from({ length: 256 }, (_, i) => (i === 0 ? 0 : Math.round((whole * 4096) / i))),
) as [Int32Array, Int32Array];

/** Hue (0 to 179), saturation (0 to 255) and value of a colour, as OpenCV has them in bytes. */
export function hsvOf(b: number, g: number, r: number): readonly [hue: number, saturation: number, value: number] {
  const value = Math.max(b, g, r);
  const range = value - Math.min(b, g, r);
  const sectors = value === r ? g - b : value === g ? b - r + 2 * range : r - g + 4 * range;
  const hue = (sectors * SECTORS[range]! + 2048) >> 12;
  return [hue < 0 ? hue + HUES : hue, (range * SATURATIONS[value]! + 2048) >> 12, value];
}

/** Blue, green and red of a sector of the colour circle (0 to 6), a saturation (0 to 1) and a value. */
function fromHsv(sector: number, saturation: number, value: number): readonly [number, number, number] {
  const part = (offset: number): number => {
    const k = (offset + sector) % 6;
    return value - value * saturation * Math.max(0, Math.min(k, 4 - k, 1));
  };
  return [part(1), part(3), part(5)];
}
