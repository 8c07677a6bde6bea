import { refuseOther } from "../caffe/content.js";
import { readBytes } from "../caffe/files.js";
import { readMean } from "../data/feed/open-feed.js";
import { decodeImage, type Image } from "../data/image/image.js";
import { NetrunError } from "../error.js";
import { count } from "../graph/index.js";
import { checkNumber } from "../options/number.js";
import { checkOptions } from "../options/option.js";
import type { Net } from "./net.js";

/** Preprocessing of pixels for a net. */
export interface ImageInputOptions {
  /** A mean image (binaryproto); each channel's mean of it is subtracted. */
  readonly meanFile?: string | undefined;
  /** Subtracted from pixels of 0 to 255, one for all channels or one each (B, G, R). Default 0. */
  readonly mean?: readonly number[] | undefined;
  /** Factor on pixels minus the mean. Default 1. */
  readonly scale?: number | undefined;
  /** True if pixels are 255 minus what they were: dark on light as light on dark. */
  readonly invert?: boolean | undefined;
}

/** The one input of a net that takes images. */
export interface ImageInput {
  readonly name: string;
  readonly shape: readonly [channels: number, height: number, width: number];
  /** A mean for each channel. */
  readonly mean: readonly number[];
}

/** The input of a net of images [n, c, h, w]. Throws a NetrunError for another net, and for means of other channels. */
export function imageInputOf(net: Net, options: ImageInputOptions): ImageInput {
  checkNumber("scale", options.scale ?? 1, {});
  checkOptions({ mean: { type: "numbers", range: {}, describe: "" } }, { mean: options.mean });
  const [name = ""] = net.inputs;
  const [, channels, height, width] = net.shapes.get(name) ?? [];
  if (net.inputs.length !== 1 || channels === undefined || height === undefined || width === undefined) {
    throw new NetrunError(
      `the net's inputs are ${net.inputs.join(", ") || "none"}, where one of images [n, c, h, w] is expected`,
      { notes: ["a deploy prototxt has that"] },
    );
  }
  return { name, shape: [channels, height, width], mean: meansOf(options, channels) };
}

/** A mean for each channel: of the given values, or of each channel of the mean file. */
export function meansOf({ meanFile, mean = [] }: ImageInputOptions, channels: number): readonly number[] {
  if (meanFile !== undefined) {
    const { shape, data } = readMean(meanFile);
    const plane = count(shape) / shape[0]!;
    const means = Array.from({ length: shape[0]! }, (_, c) =>
      data.subarray(c * plane, (c + 1) * plane).reduce((sum, value) => sum + value / plane, 0),
    );
    if (means.length === channels) return means;
    throw new NetrunError(`the mean has ${means.length} channels, the net's input ${channels}`, { file: meanFile });
  }
  if (mean.length !== 0 && mean.length !== 1 && mean.length !== channels) {
    throw new NetrunError(`${mean.length} mean values for ${channels} channels: give one, or one each`);
  }
  return Array.from({ length: channels }, (_, c) => mean[c] ?? mean[0] ?? 0);
}

/** The pixels of an image file. Throws a NetrunError that names the file where it does not decode. */
export async function decodedFile(path: string, mode: "gray" | "color"): Promise<Image> {
  const { bytes } = readBytes(path);
  try {
    return await decodeImage(bytes, mode);
  } catch (cause) {
    if (!(cause instanceof NetrunError)) throw cause;
    refuseOther("image", bytes, path);
    const { message, notes } = cause;
    throw new NetrunError(message, { file: path, notes, cause });
  }
}

/** (pixels - mean) * scale, inverted first where asked. */
export function normalisedPixels(
  pixels: Uint8Array,
  mean: readonly number[],
  { invert, scale = 1 }: ImageInputOptions,
): Float32Array<ArrayBuffer> {
  const plane = pixels.length / mean.length;
  return Float32Array.from(
    pixels,
    (value, i) => ((invert ? 255 - value : value) - mean[Math.floor(i / plane)]!) * scale,
  );
}
