import type { Tensor } from "../data/tensor.js";
import { NetrunError } from "../error.js";
import { count } from "../graph/index.js";
import { Net, type NetOptions } from "./net.js";
import { type FloatImage, resizeFloatImage, Transformer } from "./transformer.js";

/** Preparation of images by a classifier, as pycaffe's `caffe.Classifier` takes it; steps without a setting are skipped. */
export interface ClassifierOptions extends Omit<NetOptions, "phase" | "weights"> {
  /** Height and width that images are resized to before they are cropped to the net's input. Default that input's. */
  readonly imageDims?: readonly [height: number, width: number] | undefined;
  /** A value a channel, or an image [channels, height, width], in the net's order of channels and range of values. */
  readonly mean?: readonly number[] | Tensor | undefined;
  readonly inputScale?: number | undefined;
  readonly rawScale?: number | undefined;
  readonly channelSwap?: readonly number[] | undefined;
}

/**
 * A net of one input of images that classifies, as pycaffe's `caffe.Classifier`: images [height, width, channels] (of `loadImage`) in,
 * scores out. Source: pycaffe's classifier.py.
 */
export class Classifier implements AsyncDisposable {
  readonly net: Net;
  readonly transformer: Transformer;
  /** Height and width of images before the crop. */
  readonly imageDims: readonly [height: number, width: number];
  readonly #input: string;
  readonly #shape: readonly number[];

  private constructor(net: Net, input: string, options: ClassifierOptions) {
    this.net = net;
    this.#input = input;
    this.#shape = net.shapes.get(input)!;
    this.transformer = new Transformer({ [input]: this.#shape });
    this.transformer.setTranspose(input, [2, 0, 1]);
    const { mean, inputScale, rawScale, channelSwap } = options;
    if (mean !== undefined) this.transformer.setMean(input, mean);
    if (inputScale !== undefined) this.transformer.setInputScale(input, inputScale);
    if (rawScale !== undefined) this.transformer.setRawScale(input, rawScale);
    if (channelSwap !== undefined) this.transformer.setChannelSwap(input, channelSwap);
    const [, , height, width] = this.#shape as [number, number, number, number];
    this.imageDims = options.imageDims ?? [height, width];
    if (this.imageDims[0] < height || this.imageDims[1] < width)
      throw new NetrunError(`imageDims [${this.imageDims}] are smaller than the net's input, [${height}, ${width}]`);
  }

  /** Loads a deploy net and its weights. Throws NetrunError as `Net.load`, and for a net without one input of images. */
  static async load(model: string, weights: string, options: ClassifierOptions = {}): Promise<Classifier> {
    const net = await Net.load(model, { ...options, phase: "TEST", weights });
    try {
      const [input] = net.inputs;
      if (input === undefined || net.inputs.length > 1)
        throw new NetrunError(
          `the net's inputs are ${net.inputs.join(", ") || "none"}, where one of images is expected`,
        );
      return new Classifier(net, input, options);
    } catch (error) {
      await net[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Gives the scores of images [classes] each, in the net's first output: of ten crops (the corners, the centre, and their mirrors) on
   * average or, with `oversample` false, of the centre.
   */
  async predict(images: readonly FloatImage[], oversample = true): Promise<readonly Float32Array[]> {
    const scores: Float32Array[] = [];
    const [output] = this.net.outputs;
    for (const image of images) {
      const crops = this.#crops(image, oversample).map((crop) => this.transformer.preprocess(this.#input, crop).data);
      const data = new Float32Array(crops.length * crops[0]!.length);
      crops.forEach((crop, i) => {
        data.set(crop, i * crop.length);
      });
      const shape = [crops.length, ...this.#shape.slice(1)];
      const blobs = await this.net.forward({ [this.#input]: { shape, data } }, { blobs: [output!] });
      const all = blobs[output!]!.data;
      const mean = new Float32Array(all.length / crops.length);
      all.forEach((value, i) => {
        mean[i % mean.length]! += value / crops.length;
      });
      scores.push(mean);
    }
    return scores;
  }

  #crops(image: FloatImage, oversample: boolean): readonly FloatImage[] {
    const [fullHeight, fullWidth] = this.imageDims;
    const [, , height, width] = this.#shape as [number, number, number, number];
    const full = resizeFloatImage(image, fullHeight, fullWidth);
    const [bottom, right] = [fullHeight - height, fullWidth - width];
    // Half of each, rounded down, as numpy's astype(int) does.
    const centre = cropped(full, Math.floor(fullHeight / 2 - height / 2), Math.floor(fullWidth / 2 - width / 2), [
      height,
      width,
    ]);
    if (!oversample) return [centre];
    const corners = [0, bottom].flatMap((top) => [0, right].map((left) => cropped(full, top, left, [height, width])));
    const five = [...corners, centre];
    return [...five, ...five.map(mirrored)];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.net[Symbol.asyncDispose]();
  }
}

function cropped(
  { shape, data }: FloatImage,
  top: number,
  left: number,
  [height, width]: readonly [number, number],
): FloatImage {
  const [, fullWidth = 0, channels = 1] = shape;
  const to = [height, width, channels];
  const out = new Float32Array(count(to));
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * fullWidth + left) * channels;
    out.set(data.subarray(from, from + width * channels), y * width * channels);
  }
  return { shape: to, data: out };
}

function mirrored({ shape, data }: FloatImage): FloatImage {
  const [height = 0, width = 0, channels = 1] = shape;
  const out = new Float32Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * channels;
      out.set(data.subarray(from, from + channels), (y * width + width - 1 - x) * channels);
    }
  return { shape, data: out };
}
