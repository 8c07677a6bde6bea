import { Net } from "../api/net.js";
import { readBytes } from "../caffe/files.js";
import { readMean } from "../data/feed/open-feed.js";
import { decodeImage } from "../data/image/image.js";
import { resizeImage } from "../data/image/resize.js";
import { NetrunError } from "../error.js";
import { count } from "../graph/index.js";
import type { CommandArgs } from "./commands/command.js";
import type { CLASSIFY } from "./commands/inference.js";
import { sessionOf, stateOf, warn } from "./common.js";

type ClassifyArgs = CommandArgs<typeof CLASSIFY>;

/** Names what images show. */
export async function run(args: ClassifyArgs): Promise<void> {
  const labels = args.labels === undefined ? [] : readFileLines(args.labels);
  await using net = await Net.load(args.model, {
    ...sessionOf(args),
    ...stateOf(args),
    phase: "TEST",
    weights: args.weights,
    strict: args.strict,
    onWarning: warn,
  });
  const input = net.inputs[0]!;
  const [, channels, height, width] = net.shapes.get(input)!;
  if (net.inputs.length !== 1 || width === undefined) {
    throw new NetrunError(
      `the net's inputs are ${net.inputs.join(", ")}, where one of images [n, c, h, w] is expected`,
      {
        notes: ["a deploy prototxt has that"],
      },
    );
  }
  const output = args.output ?? net.outputs.at(-1)!;
  const mean = meanOf(args, channels!);
  for (const path of args.images ?? []) {
    const rows = await cropsOf(path, [channels!, height!, width], args);
    const data = Float32Array.from(rows.flatMap((row) => [...normalised(row, mean, channels!, args)]));
    const blobs = await net.forward({ [input]: { shape: [rows.length, channels!, height!, width], data } });
    const scores = blobs[output];
    if (!scores) throw new NetrunError(`the net has no blob "${output}"`);
    console.log(`---------- Prediction for ${path} ----------`);
    for (const { index, score } of best(meanOverRows(scores.data, rows.length), args.top)) {
      console.log(`${score.toFixed(4)} - "${labels[index] ?? index}"`);
    }
  }
}

const readFileLines = (path: string): readonly string[] =>
  Buffer.from(readBytes(path).bytes)
    .toString("utf8")
    .split(/\r?\n/)
    .filter((line) => line !== "");

/** A mean for each channel: of the flags' values, or of each channel of the mean file. */
function meanOf({ meanFile, meanValue = [] }: ClassifyArgs, channels: number): readonly number[] {
  if (meanFile !== undefined) {
    const { shape, data } = readMean(meanFile);
    const plane = count(shape) / shape[0]!;
    const means = Array.from({ length: shape[0]! }, (_, c) =>
      data.subarray(c * plane, (c + 1) * plane).reduce((sum, value) => sum + value / plane, 0),
    );
    if (means.length === channels) return means;
    throw new NetrunError(`the mean has ${means.length} channels, the net's input ${channels}`, { file: meanFile });
  }
  if (meanValue.length !== 0 && meanValue.length !== 1 && meanValue.length !== channels) {
    throw new NetrunError(`${meanValue.length} mean values for ${channels} channels: give one, or one each`);
  }
  return Array.from({ length: channels }, (_, c) => meanValue[c] ?? meanValue[0] ?? 0);
}

type Shape = readonly [channels: number, height: number, width: number];

/** The image as the net takes it: the centre, or to oversample ten crops, the corners and the centre and their mirrors. */
async function cropsOf(path: string, shape: Shape, args: ClassifyArgs): Promise<readonly Uint8Array[]> {
  const [channels, height, width] = shape;
  const image = await decoded(path, channels === 1 ? "gray" : "color");
  const [fullHeight, fullWidth] = resizeOf(args, height, width);
  if (fullHeight < height || fullWidth < width) {
    throw new NetrunError(`--resize ${args.resize} is smaller than the net's input, ${height},${width}`);
  }
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
  if (!args.oversample) return [centre];
  const crops = [crop(0, 0), crop(0, right), crop(bottom, 0), crop(bottom, right), centre];
  return [...crops, ...crops.map((each) => mirrored(each, width))];
}

async function decoded(path: string, mode: "gray" | "color") {
  const { bytes } = readBytes(path);
  try {
    return await decodeImage(bytes, mode);
  } catch (cause) {
    throw cause instanceof NetrunError ? new NetrunError(cause.message, { file: path, cause }) : cause;
  }
}

function resizeOf({ resize, oversample }: ClassifyArgs, height: number, width: number): readonly [number, number] {
  if (resize === undefined) return oversample ? [Math.max(256, height), Math.max(256, width)] : [height, width];
  const [h, w = h] = resize.split(",").map(Number);
  if (Number.isInteger(h) && Number.isInteger(w) && h! > 0 && w! > 0) return [h!, w!];
  throw new NetrunError(`--resize ${resize}: give HEIGHT,WIDTH`);
}

function mirrored(pixels: Uint8Array, width: number): Uint8Array {
  const out = pixels.slice();
  for (let at = 0; at < out.length; at += width) out.subarray(at, at + width).reverse();
  return out;
}

function normalised(pixels: Uint8Array, mean: readonly number[], channels: number, args: ClassifyArgs): Float32Array {
  const plane = pixels.length / channels;
  return Float32Array.from(pixels, (value, i) => {
    return ((args.invert ? 255 - value : value) - mean[Math.floor(i / plane)]!) * args.scale;
  });
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
