import type sharpModule from "sharp";
import type { Sharp } from "sharp";
import { checkAlloc, maxAlloc, overBudget, readTimeoutMs } from "../../budget.js";
import { NetrunError } from "../../error.js";
import { decodeBmp, isBmp } from "./bmp.js";
import { fromCmyk, isAdobe } from "./cmyk.js";
import { decodeSmallJpeg, type JpegHeader, jpegHeader, SMALL_JPEG_PIXELS, withoutColourTransform } from "./jpeg.js";
import type { ColourMode, Image } from "./pixels.js";

export type { ColourMode, Image, ImageDecoding } from "./pixels.js";

/**
 * Decodes a JPEG, PNG, BMP or anything else that sharp reads, as OpenCV's imdecode does: colour profiles and EXIF
 * orientation are left alone, gray from a JPEG is its luma, from others (9797 r + 19234 g + 3737 b) / 2^15, as
 * OpenCV has it from libpng. Gives the
 * image at once where that is faster than a promise. Throws (or rejects with) a NetrunError that says why not.
 */
export function decodeImage(bytes: Uint8Array, mode: ColourMode): Image | Promise<Image> {
  const jpeg = jpegHeader(bytes);
  if (jpeg) checkPixels(jpeg);
  if (jpeg && jpeg.channels <= 3) {
    const luma = mode === "gray" && jpeg.channels === 3;
    const input = luma ? withoutColourTransform(bytes) : bytes;
    const channels = jpeg.channels === 1 && mode !== "color" ? 1 : luma ? 1 : 3;
    const rgba = jpeg.width * jpeg.height <= SMALL_JPEG_PIXELS ? decodeSmallJpeg(input) : undefined;
    if (rgba) return planar(rgba, 4, jpeg, channels, channels);
    return decodeWithSharp(input, channels === 1 ? "first" : "color");
  }
  if (jpeg) return decodeInks(bytes, mode);
  if (isBmp(bytes)) return decodeBmp(bytes, mode);
  return decodeWithSharp(bytes, mode);
}

/** Of the memory that a file may ask for, what one image may take: several are decoded ahead, and each is copied once. */
const IMAGES_AT_ONCE = 4;

/** Pixels that an image may have, of up to four bytes each. */
const pixelLimit = (): number => Math.floor(maxAlloc() / IMAGES_AT_ONCE / 4);

function checkPixels({ width, height }: Size): void {
  checkAlloc(4 * width * height, `an image of ${width} x ${height} pixels`, undefined, 4 * pixelLimit());
}

let loading: Promise<typeof sharpModule> | undefined;

/** sharp, loaded when the first image needs it. */
function loadSharp(): Promise<typeof sharpModule> {
  loading ??= import("sharp").then(({ default: sharp }) => {
    // One image is small work: parallel images use the cores better than threads inside one, and nothing repeats.
    sharp.concurrency(1);
    sharp.cache(false);
    // Drawings and documents that OpenCV does not decode either; libvips renders them at whatever size they ask for.
    sharp.block({ operation: ["VipsForeignLoadSvg", "VipsForeignLoadPdf"] });
    return sharp;
  });
  return loading;
}

/** An image of bytes as a JPEG of a quality (1 to 100) shows it, with 3 channels. Resembles OpenCV's imencode and imdecode. */
export async function throughJpeg(
  { shape: [channels, height, width], pixels }: Image,
  quality: number,
): Promise<Image> {
  const area = height * width;
  const raw = new Uint8Array(channels * area);
  // Blue, green and red become red, green and blue.
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < area; i++) raw[i * channels + channels - 1 - c] = pixels[c * area + i]!;
  const sharp = await loadSharp();
  const input = sharp(raw, { raw: { width, height, channels: channels === 1 ? 1 : 3 } });
  return await decodeImage(await input.jpeg({ quality, chromaSubsampling: "4:2:0" }).toBuffer(), "color");
}

/** A CMYK JPEG, left as they are by sharp. */
async function decodeInks(bytes: Uint8Array, mode: ColourMode): Promise<Image> {
  const sharp = await loadSharp();
  try {
    const image = open(sharp, bytes);
    const inks = image.pipelineColourspace("cmyk").toColourspace("cmyk").raw();
    const { data, info } = await inks.toBuffer({ resolveWithObject: true });
    return fromCmyk(data, info, mode === "gray" ? 1 : 3, isAdobe(bytes));
  } catch (cause) {
    throw notDecoded(cause);
  }
}

/** An image in sharp, within the limits. OpenCV, too, reads on after warnings about the encoded data, but not past a truncation. */
function open(sharp: typeof sharpModule, bytes: Uint8Array): Sharp {
  const image = sharp(bytes, { failOn: "error", ignoreIcc: true, limitInputPixels: pixelLimit() });
  return image.timeout({ seconds: Math.min(3600, Math.ceil(readTimeoutMs(bytes.length) / 1000)) });
}

function notDecoded(cause: unknown): NetrunError {
  if (cause instanceof Error && /exceeds pixel limit/.test(cause.message))
    return overBudget(`the image has more than ${pixelLimit()} pixels, which is the limit`);
  const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
  return new NetrunError(`the image does not decode: ${why}`, { cause });
}

async function decodeWithSharp(bytes: Uint8Array, mode: ColourMode | "first"): Promise<Image> {
  const sharp = await loadSharp();
  try {
    const image = open(sharp, bytes);
    // sharp makes gray images RGB unless it is told not to.
    const isGray = mode === "unchanged" && (await image.metadata()).channels === 1;
    const inSpace = isGray ? image.toColourspace("b-w") : image;
    const { data, info } = await inSpace.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    const { channels } = info;
    if (mode === "gray" && channels >= 3) return grayOf(data, channels, info);
    if (mode === "first" || mode === "gray") return planar(data, channels, info, 1, 1);
    if (mode === "color") return planar(data, channels, info, 3, Math.min(channels, 3));
    return planar(data, channels, info, channels, channels);
  } catch (cause) {
    throw notDecoded(cause);
  }
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Interleaved RGB(A) or gray to planes in OpenCV's order; `kept` of the `step` interleaved channels are used. */
function planar(data: ArrayLike<number>, step: number, size: Size, channels: number, kept: number): Image {
  const area = size.width * size.height;
  const pixels = new Uint8Array(channels * area);
  for (let c = 0; c < channels; c++) {
    const from = kept < 3 ? Math.min(c, kept - 1) : c < 3 ? 2 - c : c;
    const plane = c * area;
    for (let i = 0, at = from; i < area; i++, at += step) pixels[plane + i] = data[at]!;
  }
  return { shape: [channels, size.height, size.width], pixels };
}

function grayOf(data: Uint8Array, step: number, size: Size): Image {
  const area = size.width * size.height;
  const pixels = new Uint8Array(area);
  for (let i = 0, at = 0; i < area; i++, at += step)
    pixels[i] = (9797 * data[at]! + 19234 * data[at + 1]! + 3737 * data[at + 2]!) >> 15;
  return { shape: [1, size.height, size.width], pixels };
}

/** An image [3, h, w] (blue, green, red) as a PNG file. */
export async function encodePng({ shape: [channels, height, width], pixels }: Image): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const area = height * width;
  const interleaved = Buffer.alloc(pixels.length);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < area; i++) interleaved[i * channels + (channels - 1 - c)] = pixels[c * area + i]!;
  return sharp(interleaved, { raw: { width, height, channels: channels as 1 | 3 } })
    .png()
    .toBuffer();
}

export type { JpegHeader };
