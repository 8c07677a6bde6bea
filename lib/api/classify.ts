import { checkAlloc } from "../budget.js";
import { resizeImage } from "../data/image/resize.js";
import { NetrunError } from "../error.js";
import { checkNumber, countRange as countOf, shown } from "../options/number.js";
import { decodedFile, type ImageInputOptions, imageInputOf, normalisedPixels } from "./image-input.js";
import type { Net } from "./net.js";

/** Preprocessing of images for a net, and the scores wanted. */
export interface ClassifyOptions extends ImageInputOptions {
  /** True if the scores are the mean over ten crops: the corners, the centre, and their mirrors. */
  readonly oversample?: boolean | undefined;
  /** Height and width to resize an image to before it is cropped to the net's input. Default that input's; to oversample 256 at least. */
  readonly resize?: readonly [height: number, width: number] | undefined;
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

/** Classes found in one image: the classes with the greatest scores, those first. */
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
  const input = imageInputOf(net, options);
  if (!net.shapes.has(output)) throw new NetrunError(`the net has no blob "${output}"`);
  for (const image of images) {
    const rows = await cropsOf(image, input.shape, options);
    const data = Float32Array.from(rows.flatMap((row) => [...normalisedPixels(row, input.mean, options)]));
    const shape = [rows.length, ...input.shape];
    const blobs = await net.forward({ [input.name]: { shape, data } }, { blobs: [output] });
    yield { image, predictions: best(meanOverRows(blobs[output]!.data, rows.length), top) };
  }
}

/** The image as the net takes it: the centre, or to oversample ten crops, the corners and the centre and their mirrors. */
async function cropsOf(path: string, shape: Shape, options: ClassifyOptions): Promise<readonly Uint8Array[]> {
  const [channels, height, width] = shape;
  const image = await decodedFile(path, channels === 1 ? "gray" : "color");
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

function resizedTo({ resize, oversample }: ClassifyOptions, height: number, width: number): readonly [number, number] {
  if (resize === undefined) return oversample ? [Math.max(256, height), Math.max(256, width)] : [height, width];
  if (!Array.isArray(resize) || resize.length !== 2)
    throw new NetrunError(`resize is ${shown(resize)}; it must be [height, width]`);
  for (const side of resize) checkNumber("resize", side, countOf("pixels"));
  return resize;
}

function mirrored(pixels: Uint8Array, width: number): Uint8Array {
  const out = pixels.slice();
  for (let at = 0; at < out.length; at += width) out.subarray(at, at + width).reverse();
  return out;
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
