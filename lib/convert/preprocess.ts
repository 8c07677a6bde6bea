import { findPath, readBytes } from "../caffe/files.js";
import { decodeMean } from "../caffe/mean.js";
import { sub as message } from "../caffe/message.js";
import type { NetParameter } from "../caffe/messages.js";
import type { Tensor } from "../data/tensor.js";
import { NetrunError } from "../error.js";
import { constant, labelled, type Value } from "../graph/index.js";
import { bringsData } from "../layers/index.js";
import { mul, sub } from "../ops/index.js";

/** Preprocessing of an image before the net sees it: y = (x - mean) * scale, x being BGR values from 0 to 255. */
export interface Preprocessing {
  /** The input that it is for. */
  readonly input: string;
  readonly scale: number;
  /** [channels, 1, 1] or [channels, height, width]; undefined for none. */
  readonly mean: Tensor | undefined;
  /** The mean image's file as the net names it. */
  readonly meanFile?: string;
  /** Side of the centre crop that comes before; 0 for none. */
  readonly cropSize: number;
}

/** Preprocessing as asked for, which goes before what the net's data layer says. */
export interface PreprocessOptions {
  readonly scale?: number | undefined;
  /** One number for all channels, or one each, in BGR order. */
  readonly mean?: readonly number[] | undefined;
  /** A mean image's path. */
  readonly meanFile?: string | undefined;
  readonly cropSize?: number | undefined;
}

/**
 * The preprocessing of a net's first image input. Throws NetrunError for means that are neither one nor one a channel, and for a mean
 * image of another size.
 */
export function preprocessingOf(
  net: NetParameter,
  shapes: ReadonlyMap<string, readonly number[]>,
  options: PreprocessOptions & {
    readonly baseDir?: string | undefined;
    /** True if it goes into the graph. */
    readonly preprocess?: boolean | undefined;
    /** True if images are preprocessed at all: in the graph, or those that the file is verified or calibrated on. */
    readonly isUsed: boolean;
  },
): Preprocessing | undefined {
  const image = [...shapes].find(([, shape]) => shape.length === 4);
  if (!image) {
    const asked = (["scale", "mean", "meanFile", "cropSize"] as const).find((name) => options[name] !== undefined);
    if (asked === undefined && !options.preprocess) return undefined;
    throw new NetrunError(`the net has no image input, which ${asked ?? "preprocess"} could be for`);
  }
  const [input, shape] = image;
  const layer = net.layer.find((each) => bringsData(each) && each.top[0] === input);
  const transform = layer && message(layer, "transform_param");
  const scale = options.scale ?? transform?.scale ?? 1;
  const values = options.mean ?? (options.meanFile === undefined ? transform?.mean_value : undefined) ?? [];
  const [, channels, height, width] = shape as [number, number, number, number];
  const crops = (transform?.crop_size ?? 0) > 0 && height === width;
  const cropSize = options.cropSize ?? (crops ? height : 0);
  if (values.length > 0) {
    if (values.length !== 1 && values.length !== channels)
      throw new NetrunError(`${values.length} mean values for ${channels} channels`);
    const data = Float32Array.from({ length: channels }, (_, c) => values[c] ?? values[0]!);
    return { input, scale, cropSize, mean: { shape: [channels, 1, 1], data } };
  }
  const file = options.meanFile ?? transform?.mean_file ?? "";
  if (file === "") return { input, scale, cropSize, mean: undefined };
  // The image itself is needed only where images are preprocessed; its name is worth telling all the same.
  const isNeeded = options.isUsed || findPath(file, options.baseDir) !== undefined;
  const mean = isNeeded ? meanImage(file, options.baseDir, shape) : undefined;
  return { input, scale, cropSize, mean, meanFile: file };
}

/** The centre of a mean image, as large as the input. */
function meanImage(path: string, baseDir: string | undefined, input: readonly number[]): Tensor {
  const file = readBytes(path, { baseDir });
  const { shape, data: values } = decodeMean(file.bytes, file.path);
  const [channels, height, width] = shape as [number, number, number];
  const [c, h, w] = input.slice(1) as [number, number, number];
  if (shape.length !== 3 || channels !== c || height < h || width < w)
    throw new NetrunError(`the mean image [${shape}] does not cover the input [${c},${h},${w}]`, { file: file.path });
  const [top, left] = [Math.floor((height - h) / 2), Math.floor((width - w) / 2)];
  const data = new Float32Array(c * h * w);
  for (let k = 0; k < c; k++)
    for (let y = 0; y < h; y++) {
      const from = (k * height + top + y) * width + left;
      data.set(values.subarray(from, from + w), (k * h + y) * w);
    }
  return { shape: [c, h, w], data };
}

/** The input preprocessed, in the graph. */
export function preprocessed(x: Value, { mean, scale }: Preprocessing): Value {
  return labelled("preprocess", () => {
    const centred = mean ? sub(x, constant(mean.data, mean.shape)) : x;
    return scale === 1 ? centred : mul(centred, constant(scale));
  });
}

/** The same of values, for checking the graph's. */
export function preprocess(x: Tensor, { mean, scale }: Preprocessing): Tensor {
  const plane = x.shape[2]! * x.shape[3]!;
  const channels = x.shape[1]!;
  const meanOf = (i: number) => {
    if (!mean) return 0;
    return mean.data.length === channels
      ? mean.data[Math.floor(i / plane) % channels]!
      : mean.data[i % mean.data.length]!;
  };
  return { shape: x.shape, data: x.data.map((value, i) => Math.fround(value - meanOf(i)) * scale) };
}

/** Metadata of preprocessing: an image as a flat list would be large, so that it is told by its means. */
export function describe(preprocessing: Preprocessing, shape: readonly number[], inGraph: boolean): string {
  const { input, mean, scale } = preprocessing;
  const size = mean ? mean.data.length / shape[1]! : 1;
  const means =
    mean &&
    Array.from({ length: shape[1]! }, (_, c) => {
      const plane = mean.data.subarray(c * size, (c + 1) * size);
      return plane.reduce((sum, value) => sum + value, 0) / size;
    });
  const colour = shape[1] === 3 ? "BGR" : shape[1] === 1 ? "grey" : undefined;
  return JSON.stringify({
    input,
    channels: colour,
    range: [0, 255],
    mean: means ?? null,
    mean_image: size > 1,
    ...(preprocessing.meanFile !== undefined && { mean_file: preprocessing.meanFile }),
    scale,
    height: shape[2],
    width: shape[3],
    in_graph: inGraph,
  });
}
