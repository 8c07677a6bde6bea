import { refuseOther } from "../caffe/content.js";
import { readBytes } from "../caffe/files.js";
import { decodeImage } from "../data/image/image.js";
import type { Tensor } from "../data/tensor.js";
import { NetrunError } from "../error.js";
import { count, sameShape } from "../graph/index.js";

/** An image as pycaffe has it: [height, width, channels], channels red, green, blue, values from 0 to 1. */
export type FloatImage = Tensor;

/**
 * Reads an image file as pycaffe's `caffe.io.load_image`: [height, width, 3] in RGB or, without colour, [height, width, 1]; values from 0
 * to 1. Throws NetrunError for a file that is no image.
 */
export async function loadImage(path: string, color = true): Promise<FloatImage> {
  const { path: found, bytes } = readBytes(path);
  let image: Awaited<ReturnType<typeof decodeImage>>;
  try {
    image = await decodeImage(bytes, color ? "color" : "gray");
  } catch (cause) {
    if (!(cause instanceof NetrunError)) throw cause;
    refuseOther("image", bytes, found);
    throw new NetrunError(cause.message, { file: found, notes: cause.notes, cause });
  }
  const [channels, height, width] = image.shape;
  const plane = height * width;
  const data = new Float32Array(channels * plane);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < plane; i++) data[i * channels + channels - 1 - c] = image.pixels[c * plane + i]! / 255;
  return { shape: [height, width, channels], data };
}

/**
 * Resizes an image [height, width, channels] as pycaffe's `caffe.io.resize_image`: linearly between pixel centres, on values brought to
 * 0 to 1 by their least and greatest, where what is outside of the image counts as the least (skimage's mode "constant").
 */
export function resizeFloatImage({ shape, data }: FloatImage, height: number, width: number): FloatImage {
  const [oldHeight = 0, oldWidth = 0, channels = 1] = shape;
  const to = [height, width, channels];
  if (oldHeight === height && oldWidth === width) return { shape: to, data: data.slice() };
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of data) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const out = new Float32Array(count(to));
  if (!(most > least)) return { shape: to, data: out.fill(least) };
  const [rows, columns] = [places(oldHeight, height), places(oldWidth, width)];
  const at = (y: number, x: number, c: number) =>
    y < 0 || x < 0 || y >= oldHeight || x >= oldWidth ? 0 : data[(y * oldWidth + x) * channels + c]! - least;
  let i = 0;
  for (const { low: y, share: down } of rows) {
    for (const { low: x, share: right } of columns) {
      for (let c = 0; c < channels; c++, i++) {
        const above = (1 - right) * at(y, x, c) + right * at(y, x + 1, c);
        const below = (1 - right) * at(y + 1, x, c) + right * at(y + 1, x + 1, c);
        out[i] = (1 - down) * above + down * below + least;
      }
    }
  }
  return { shape: to, data: out };
}

/** For each target pixel the source pixel before its centre, and the share of the next. */
function places(from: number, to: number): readonly { readonly low: number; readonly share: number }[] {
  return Array.from({ length: to }, (_, i) => {
    const centre = ((i + 0.5) * from) / to - 0.5;
    const low = Math.floor(centre);
    return { low, share: centre - low };
  });
}

interface Steps {
  readonly shape: readonly number[];
  transpose?: readonly number[];
  channelSwap?: readonly number[];
  rawScale?: number;
  /** [channels, height, width], or of one value a channel. */
  mean?: Tensor;
  inputScale?: number;
}

/**
 * Makes inputs of images, as pycaffe's `caffe.io.Transformer`: resize to the input's height and width, transpose, swap channels, times the
 * raw scale, minus the mean, times the input scale; each but the first only where it is set. Source: pycaffe's io.py.
 *
 *     const transformer = new Transformer({ data: net.shapes.get("data") });
 *     transformer.setTranspose("data", [2, 0, 1]);
 *     transformer.setChannelSwap("data", [2, 1, 0]);
 *     transformer.setRawScale("data", 255);
 *     const { data, shape } = transformer.preprocess("data", await loadImage("cat.jpg"));
 */
export class Transformer {
  readonly #inputs: ReadonlyMap<string, Steps>;

  /** `inputs` are the shapes of a net's inputs by name: [n, channels, height, width]. */
  constructor(inputs: Readonly<Record<string, readonly number[] | undefined>>) {
    this.#inputs = new Map(
      Object.entries(inputs).map(([name, shape]) => {
        if (shape?.length !== 4)
          throw new NetrunError(
            `input "${name}" is [${shape ?? ""}], where images [n, channels, height, width] are expected`,
          );
        return [name, { shape }];
      }),
    );
  }

  /** Sets the order of axes of the input among those of an image: [2, 0, 1] makes [channels, height, width]. */
  setTranspose(input: string, order: readonly number[]): void {
    const steps = this.#steps(input);
    if (!isPermutation(order, 3)) throw new NetrunError(`the transpose [${order}] is no order of the axes 0, 1 and 2`);
    steps.transpose = order;
  }

  /** Sets the order of channels, such as [2, 1, 0] for RGB to BGR; they have to be the first axis then. */
  setChannelSwap(input: string, order: readonly number[]): void {
    const steps = this.#steps(input);
    const channels = steps.shape[1]!;
    if (!isPermutation(order, channels))
      throw new NetrunError(`the channel swap [${order}] is no order of the ${channels} channels of "${input}"`);
    steps.channelSwap = order;
  }

  /** Sets the factor before the mean: 255 where images are from 0 to 1 and the net wants 0 to 255. */
  setRawScale(input: string, scale: number): void {
    this.#steps(input).rawScale = finite("the raw scale", scale);
  }

  /** Sets the mean: a value for each channel, or an image [channels, height, width], which is resized where it has to be. */
  setMean(input: string, mean: readonly number[] | Tensor): void {
    const steps = this.#steps(input);
    const [, channels = 0, height = 0, width = 0] = steps.shape;
    if (!("data" in mean)) {
      if (mean.length !== channels)
        throw new NetrunError(`${mean.length} mean values for the ${channels} channels of "${input}"`);
      steps.mean = { shape: [channels, 1, 1], data: Float32Array.from(mean) };
      return;
    }
    const { shape } = mean;
    if (shape.length !== 3 || shape[0] !== channels || count(shape) !== mean.data.length)
      throw new NetrunError(`the mean is [${shape}], input "${input}" [${steps.shape}]`);
    const fits = sameShape(shape, [channels, height, width]);
    steps.mean = fits ? mean : transposed(resizeFloatImage(transposed(mean, [1, 2, 0]), height, width), [2, 0, 1]);
  }

  /** Sets the factor behind the mean. */
  setInputScale(input: string, scale: number): void {
    this.#steps(input).inputScale = finite("the input scale", scale);
  }

  /** Makes an input's values of an image [height, width, channels]. Throws NetrunError where they do not become its shape. */
  preprocess(input: string, image: FloatImage): Tensor {
    const steps = this.#steps(input);
    const [, channels = 0, height = 0, width = 0] = steps.shape;
    if (image.shape.length !== 3 || count(image.shape) !== image.data.length)
      throw new NetrunError(
        `an image is [height, width, channels], not [${image.shape}] with ${image.data.length} values`,
      );
    const resized = resizeFloatImage(image, height, width);
    const { shape, data } = steps.transpose ? transposed(resized, steps.transpose) : resized;
    const swapped = steps.channelSwap ? swap(shape, data, steps.channelSwap) : data;
    const { rawScale = 1, inputScale = 1, mean } = steps;
    if (!sameShape(shape, [channels, height, width]) && mean)
      throw new NetrunError(`the image is [${shape}] where the mean is subtracted: set the transpose to [2, 0, 1]`);
    const plane = count(shape) / shape[0]!;
    // In float32 step by step, as numpy does.
    const out = swapped.map((value, i) => {
      const raw = Math.fround(value * rawScale);
      return Math.fround(mean ? raw - meanAt(mean, i, plane) : raw) * inputScale;
    });
    return { shape, data: out };
  }

  /** Makes an image [height, width, channels] of an input's values: the steps backwards, without the resize. */
  deprocess(input: string, values: Tensor): FloatImage {
    const steps = this.#steps(input);
    const shape = values.shape.length === 4 && values.shape[0] === 1 ? values.shape.slice(1) : values.shape;
    const { rawScale = 1, inputScale = 1, mean } = steps;
    const plane = count(shape) / shape[0]!;
    const raw = values.data.map(
      (value, i) => Math.fround(value / inputScale + (mean ? meanAt(mean, i, plane) : 0)) / rawScale,
    );
    const back = steps.channelSwap ? swap(shape, raw, inverse(steps.channelSwap)) : raw;
    return steps.transpose ? transposed({ shape, data: back }, inverse(steps.transpose)) : { shape, data: back };
  }

  #steps(input: string): Steps {
    const steps = this.#inputs.get(input);
    if (steps) return steps;
    throw new NetrunError(`"${input}" is no input of this transformer: ${[...this.#inputs.keys()].join(", ")}`);
  }
}

/** The mean of an element: of its own place, or of its channel. */
const meanAt = ({ shape, data }: Tensor, i: number, plane: number): number =>
  data[data.length === shape[0] ? Math.floor(i / plane) : i]!;

function finite(what: string, value: number): number {
  if (Number.isFinite(value)) return value;
  throw new NetrunError(`${what} is ${value}, no number`);
}

const isPermutation = (order: readonly number[], length: number): boolean =>
  order.length === length && order.every((axis) => axis >= 0 && axis < length) && new Set(order).size === length;

const inverse = (order: readonly number[]): readonly number[] => order.map((_, i) => order.indexOf(i));

function transposed({ shape, data }: Tensor, order: readonly number[]): Tensor {
  const to = order.map((axis) => shape[axis]!);
  const strides = [shape[1]! * shape[2]!, shape[2]!, 1];
  const [a, b, c] = order.map((axis) => strides[axis]!) as [number, number, number];
  const out = new Float32Array(data.length);
  let i = 0;
  for (let x = 0; x < to[0]!; x++)
    for (let y = 0; y < to[1]!; y++) for (let z = 0; z < to[2]!; z++) out[i++] = data[x * a + y * b + z * c]!;
  return { shape: to, data: out };
}

function swap(shape: readonly number[], data: Float32Array, order: readonly number[]): Float32Array {
  if (shape[0] !== order.length)
    throw new NetrunError(
      `the channels of [${shape}] are swapped along its first axis: set the transpose to [2, 0, 1]`,
    );
  const plane = data.length / order.length;
  const out = new Float32Array(data.length);
  order.forEach((from, c) => {
    out.set(data.subarray(from * plane, (from + 1) * plane), c * plane);
  });
  return out;
}
