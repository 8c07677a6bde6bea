import { checkAlloc } from "../budget.js";
import { refuseOther } from "../caffe/content.js";
import { readBytes } from "../caffe/files.js";
import { readMean } from "../data/feed/open-feed.js";
import { decodeImage } from "../data/image/image.js";
import { resizeImage } from "../data/image/resize.js";
import { NetrunError } from "../error.js";
import { count } from "../graph/index.js";
import { checkNumber, countRange as countOf, shown } from "../options/number.js";
import { checkOptions } from "../options/option.js";
import type { Net } from "./net.js";

/** How images become a net's input, and what is wanted of its scores. */
export interface ClassifyOptions {
  /** A mean image (binaryproto); each channel's mean of it is subtracted. */
  readonly meanFile?: string | undefined;
  /** Subtracted from pixels of 0 to 255, one for all channels or one each (B, G, R). Default 0. */
  readonly mean?: readonly number[] | undefined;
  /** Factor on pixels minus the mean. Default 1. */
  readonly scale?: number | undefined;
  /** Whether the scores are the mean over ten crops: the corners, the centre, and their mirrors. */
  readonly oversample?: boolean | undefined;
  /** Height and width to resize an image to before it is cropped to the net's input. Default that input's; to oversample 256 at least. */
  readonly resize?: readonly [height: number, width: number] | undefined;
  /** Whether pixels are 255 minus what they were: dark on light as light on dark. */
  readonly invert?: boolean | undefined;
  /** Classes to give. Default 5. */
  readonly top?: number | undefined;
  /** The blob with the scores. Default the net's last output. */
  readonly output?: string | undefined;
}

/** A class by its index among the scores. */
export interface Prediction {
  readonly index: number;
  readonly score: number;
}

/** What is seen in one image: the classes with the greatest scores, those first. */
export interface Classified {
  readonly image: string;
  readonly predictions: readonly Prediction[];
}

type Shape = readonly [channels: number, height: number, width: number];

/**
 * Classifies image files (JPEG, PNG, BMP ...) with a net of one input [n, c, h, w], one after the other: resized, cropped, normalised.
 * Throws NetrunError for a net without such an input, an image that does not decode, and a mean of other channels.
 */
export async function* classify(
  net: Net,
  images: readonly string[],
  options: ClassifyOptions = {},
): AsyncGenerator<Classified, void> {
  const { top = 5, output = net.outputs.at(-1)! } = options;
  checkNumber("top", top, countOf("classes"));
  checkNumber("scale", options.scale ?? 1, {});
  checkOptions({ mean: { type: "numbers", range: {}, describe: "" } }, { mean: options.mean });
  const [input = ""] = net.inputs;
  const [, channels, height, width] = net.shapes.get(input) ?? [];
  if (net.inputs.length !== 1 || channels === undefined || height === undefined || width === undefined) {
    throw new NetrunError(
      `the net's inputs are ${net.inputs.join(", ") || "none"}, where one of images [n, c, h, w] is expected`,
      { notes: ["a deploy prototxt has that"] },
    );
  }
  if (!net.shapes.has(output)) throw new NetrunError(`the net has no blob "${output}"`);
  const mean = meanOf(options, channels);
  for (const image of images) {
    const rows = await cropsOf(image, [channels, height, width], options);
    const data = Float32Array.from(rows.flatMap((row) => [...normalised(row, mean, options)]));
    const shape = [rows.length, channels, height, width];
    const blobs = await net.forward({ [input]: { shape, data } }, { blobs: [output] });
    yield { image, predictions: best(meanOverRows(blobs[output]!.data, rows.length), top) };
  }
}

/** A mean for each channel: of the flags' values, or of each channel of the mean file. */
function meanOf({ meanFile, mean = [] }: ClassifyOptions, channels: number): readonly number[] {
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

/** The image as the net takes it: the centre, or to oversample ten crops, the corners and the centre and their mirrors. */
async function cropsOf(path: string, shape: Shape, options: ClassifyOptions): Promise<readonly Uint8Array[]> {
  const [channels, height, width] = shape;
  const image = await decoded(path, channels === 1 ? "gray" : "color");
  const [fullHeight, fullWidth] = resizedTo(options, height, width);
  if (fullHeight < height || fullWidth < width) {
    throw new NetrunError(`resize ${fullHeight},${fullWidth} is smaller than the net's input, ${height},${width}`);
  }
  checkAlloc(fullHeight * fullWidth * channels, `an image resized to ${fullHeight} by ${fullWidth}`, path);
  const { pixels } = resizeImage(image, fullHeight, fullWidth);
  const crop = (top: number, left: number) => {
    const out = new Uint8Array(channels * height * width);
    for (let row = 0; row < channels * height; row++) {
      const from = (Math.floor(row / height) * fullHeight + top + (row % height)) * fullWidth + left;
      out.set(pixels.subarray(from, from + width), row * width);
    }
    return out;
  };
  const [bottom, right] = [fullHeight - height, fullWidth - width];
  const centre = crop(Math.floor(bottom / 2), Math.floor(right / 2));
  if (!options.oversample) return [centre];
  const crops = [crop(0, 0), crop(0, right), crop(bottom, 0), crop(bottom, right), centre];
  return [...crops, ...crops.map((each) => mirrored(each, width))];
}

async function decoded(path: string, mode: "gray" | "color") {
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

function resizedTo({ resize, oversample }: ClassifyOptions, height: number, width: number): readonly [number, number] {
  if (resize === undefined) return oversample ? [Math.max(256, height), Math.max(256, width)] : [height, width];
  if (!Array.isArray(resize) || resize.length !== 2)
    throw new NetrunError(`resize is ${shown(resize)}; it has to be [height, width]`);
  for (const side of resize) checkNumber("resize", side, countOf("pixels"));
  return resize;
}

function mirrored(pixels: Uint8Array, width: number): Uint8Array {
  const out = pixels.slice();
  for (let at = 0; at < out.length; at += width) out.subarray(at, at + width).reverse();
  return out;
}

function normalised(pixels: Uint8Array, mean: readonly number[], { invert, scale = 1 }: ClassifyOptions): Float32Array {
  const plane = pixels.length / mean.length;
  return Float32Array.from(
    pixels,
    (value, i) => ((invert ? 255 - value : value) - mean[Math.floor(i / plane)]!) * scale,
  );
}

function meanOverRows(scores: Float32Array, rows: number): Float32Array {
  const width = scores.length / rows;
  const mean = new Float32Array(width);
  scores.forEach((value, i) => {
    mean[i % width]! += value / rows;
  });
  return mean;
}

const best = (scores: Float32Array, top: number) =>
  [...scores]
    .map((score, index) => ({ index, score }))
    .sort((a, b) => b.score - a.score)
    .slice(0, top);
