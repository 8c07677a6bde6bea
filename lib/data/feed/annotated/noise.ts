import { NetrunError } from "../../../error.js";
import type { Random } from "../../../random.js";
import { grayOfBgr } from "../../image/gray.js";
import type { Image } from "../../image/image.js";
import { hsvOf } from "./distort.js";
import { equalized, locallyEqualized } from "./equalize.js";
import { byteOf } from "./pixels.js";
import type { NoiseSpec } from "./spec.js";

/** OpenCV's Gaussian of a window of 7 and a deviation of 1.5. */
const BLUR = [-3, -2, -1, 0, 1, 2, 3].map((d) => Math.exp((-d * d) / (2 * 1.5 * 1.5)));
/** Levels of a posterised byte. */
const LEVEL = 64;

/**
 * An image (gray; blue, green and red) with all the noise that a spec asks for, in the order of SSD's Caffe: without colours, blurred,
 * histograms equalised as a whole and by parts, through a JPEG, eroded, posterised, inverted, salted and as hue, saturation and value.
 * `throughJpeg` encodes and decodes. Throws a NetrunError where colours are needed that the image lacks.
 * Source: ApplyNoise in util/im_transforms.cpp of SSD's Caffe.
 */
export async function noised(
  random: Random,
  image: Image,
  spec: NoiseSpec,
  throughJpeg: (image: Image, quality: number) => Promise<Image>,
): Promise<Image> {
  let out = image;
  if (spec.decolorize) out = decolourised(out);
  if (spec.blur) out = eachPlane(out, blurred);
  if (spec.equalize) out = ofLuma(out, equalized);
  if (spec.equalizeParts) out = ofLuma(out, locallyEqualized);
  if (spec.quality !== undefined) out = await throughJpeg(out, spec.quality);
  if (spec.erode) out = eachPlane(out, eroded);
  if (spec.posterize) out = eachByte(out, (value) => Math.floor(value / LEVEL) * LEVEL + LEVEL / 2);
  if (spec.invert) out = eachByte(out, (value) => 255 - value);
  if (spec.salt) out = salted(random, out, spec.salt);
  return spec.hsv ? asHsv(out) : out;
}

const eachByte = ({ shape, pixels }: Image, change: (value: number) => number): Image => ({
  shape,
  pixels: pixels.map(change),
});

type Plane = (pixels: Uint8Array, height: number, width: number) => Uint8Array;

function eachPlane({ shape, pixels }: Image, change: Plane): Image {
  const [channels, height, width] = shape;
  const out = new Uint8Array(pixels.length);
  for (let c = 0; c < channels; c++) {
    const plane = pixels.subarray(c * height * width, (c + 1) * height * width);
    out.set(change(plane, height, width), c * height * width);
  }
  return { shape, pixels: out };
}

/** Planes of blue, green and red. Throws where there are not three. */
function colours({ shape, pixels }: Image, field: string): readonly [Uint8Array, Uint8Array, Uint8Array] {
  if (shape[0] !== 3) throw new NetrunError(`${field} of noise_param takes images of 3 channels, not ${shape[0]}`);
  const area = pixels.length / 3;
  return [pixels.subarray(0, area), pixels.subarray(area, 2 * area), pixels.subarray(2 * area)];
}

function decolourised(image: Image): Image {
  const [blue, green, red] = colours(image, "decolorize");
  const gray = blue.map((value, i) => grayOfBgr(value, green[i]!, red[i]!));
  const pixels = new Uint8Array(image.pixels.length);
  for (let c = 0; c < 3; c++) pixels.set(gray, c * gray.length);
  return { shape: image.shape, pixels };
}

/** A plane of bytes, blurred; beyond the edge it is mirrored. */
function blurred(pixels: Uint8Array, height: number, width: number): Uint8Array {
  const total = BLUR.reduce((a, b) => a + b);
  const wide = new Float64Array(pixels.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let k = 0; k < BLUR.length; k++) sum += BLUR[k]! * pixels[y * width + mirrored(x + k - 3, width)]!;
      wide[y * width + x] = sum / total;
    }
  return pixels.map((_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    let sum = 0;
    for (let k = 0; k < BLUR.length; k++) sum += BLUR[k]! * wide[mirrored(y + k - 3, height) * width + x]!;
    return byteOf(sum / total);
  });
}

function mirrored(at: number, length: number): number {
  if (length === 1) return 0;
  const round = 2 * (length - 1);
  const folded = ((at % round) + round) % round;
  return folded < length ? folded : round - folded;
}

/** Each byte of a plane the least of its own and its four neighbours'. */
function eroded(pixels: Uint8Array, height: number, width: number): Uint8Array {
  return pixels.map((value, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    return Math.min(
      value,
      x > 0 ? pixels[i - 1]! : 255,
      x < width - 1 ? pixels[i + 1]! : 255,
      y > 0 ? pixels[i - width]! : 255,
      y < height - 1 ? pixels[i + width]! : 255,
    );
  });
}

/** Changes the luma of an image, of its YCrCb in OpenCV's 14 bits; of a gray one the bytes. */
function ofLuma(image: Image, change: Plane): Image {
  if (image.shape[0] === 1) return eachPlane(image, change);
  const [blue, green, red] = colours(image, "hist_eq and clahe");
  const [, height, width] = image.shape;
  const round = (value: number) => (value + 8192) >> 14;
  const byte = (value: number) => Math.min(255, Math.max(0, value));
  const luma = blue.map((value, i) => grayOfBgr(value, green[i]!, red[i]!));
  const chroma = (plane: Uint8Array, factor: number) =>
    plane.map((value, i) => byte(round((value - luma[i]!) * factor + (128 << 14))));
  const [cr, cb] = [chroma(red, 11682), chroma(blue, 9241)];
  const y = change(luma, height, width);
  const area = height * width;
  const pixels = new Uint8Array(3 * area);
  for (let i = 0; i < area; i++) {
    const [r, b] = [cr[i]! - 128, cb[i]! - 128];
    pixels[i] = byte(y[i]! + round(b * 29049));
    pixels[area + i] = byte(y[i]! + round(b * -5636 + r * -11698));
    pixels[2 * area + i] = byte(y[i]! + round(r * 22987));
  }
  return { shape: image.shape, pixels };
}

/** A fraction of the pixels with other values, at places that are drawn with repetition. */
function salted(random: Random, { shape, pixels }: Image, { fraction, values }: NonNullable<NoiseSpec["salt"]>): Image {
  const [channels, height, width] = shape;
  if (values.length > 1 && values.length !== channels)
    throw new NetrunError(`saltpepper_param has ${values.length} values but the image ${channels} channels`);
  const out = pixels.slice();
  for (let k = Math.floor(fraction * height * width); k > 0; k--) {
    const at = random.integer(width) + width * random.integer(height);
    for (let c = 0; c < channels; c++) out[c * height * width + at] = values[c] ?? values[0]!;
  }
  return { shape, pixels: out };
}

function asHsv(image: Image): Image {
  const [blue, green, red] = colours(image, "convert_to_hsv");
  const area = blue.length;
  const pixels = new Uint8Array(3 * area);
  for (let i = 0; i < area; i++)
    hsvOf(blue[i]!, green[i]!, red[i]!).forEach((value, c) => {
      pixels[c * area + i] = value;
    });
  return { shape: image.shape, pixels };
}
