import { Net } from "../api/net.js";
import { sub } from "../caffe/message.js";
import type { NetParameter, TransformationParameter } from "../caffe/messages.js";
import type { StoredWeights } from "../caffe/stored.js";
import { decodeImage } from "../data/image/image.js";
import { resizeImage } from "../data/image/resize.js";
import { NetrunError } from "../error.js";
import { inspectNet } from "../inspect/index.js";
import { pngOf } from "../data/image/png.js";
import { tiles } from "../runs/filters.js";
import type { ShownBlob } from "./run-view.js";

/** A net with all its layers, its weights, and the folder that its paths are looked up from. */
export interface NetOfRun {
  readonly message: NetParameter;
  readonly baseDir: string;
  readonly weights: StoredWeights;
}

const FILTERS_SIDE = 320;

/** The filters of the first layer that has some of one or three channels, as PNG; undefined where there is none. */
export async function filtersOf(weights: StoredWeights): Promise<Buffer | undefined> {
  for (const [, [blob]] of weights) {
    const [, channels, height = 1, width = 1] = blob?.shape ?? [];
    if (blob?.shape.length !== 4 || (channels !== 1 && channels !== 3) || height * width === 1) continue;
    const pixels = tiles(blob.data, blob.shape);
    return pngOf(pixels, Math.max(1, Math.floor(FILTERS_SIDE / Math.max(pixels.width, pixels.height))));
  }
  return undefined;
}

/**
 * Every blob of a net in its test phase for one image, resized to what the net takes and scaled as its data layer says.
 * Throws NetrunError for a net without an image as input, and for what is no image.
 */
export async function activationsOf(
  { message, baseDir, weights }: NetOfRun,
  image: Buffer,
): Promise<readonly ShownBlob[]> {
  const { layers } = await inspectNet(message, { phase: "TEST", baseDir });
  const tops = layers
    .filter(({ kind }) => kind === "data")
    .flatMap((layer) => layer.tops.map((top) => ({ layer, top })));
  const shapes = Object.fromEntries(
    tops.flatMap(({ top: { name, shape } }) => (shape ? [[name, [1, ...shape.slice(1)]]] : [])),
  );
  const input = tops.find(({ top }) => top.shape?.length === 4);
  if (!input) throw new NetrunError("the net takes no image");
  await using net = await Net.load(message, { phase: "TEST", shapes, baseDir });
  for (const [layer, blobs] of net.params)
    for (const [i, { data }] of blobs.entries()) data.set(weights.get(layer)?.[i]?.data ?? data);
  const { name } = input.top;
  const transform = transformOf(message, input.layer.name);
  const data = await pixelsOf(image, shapes[name]!, transform);
  const given = Object.fromEntries(
    Object.entries(shapes).map(([each, shape]) => [
      each,
      { shape, data: each === name ? data : new Float32Array(shape.reduce((n, dim) => n * dim, 1)) },
    ]),
  );
  const blobs = await net.forward(given);
  // Losses and scores are those of labels, which an image alone does not have.
  const scores = new Set(
    layers.filter(({ kind }) => kind === "scores").flatMap((layer) => layer.tops.map(({ name: top }) => top)),
  );
  return Object.entries(blobs).flatMap(([each, { shape, data: values }]) =>
    each === name || !(each in shapes || scores.has(each)) ? [{ name: each, shape, values }] : [],
  );
}

const transformOf = ({ layer }: NetParameter, name: string): TransformationParameter | undefined => {
  const found = layer.filter((each) => each.name === name).at(-1);
  return found && sub(found, "transform_param");
};

/** An image as the net's input, in Caffe's order of channels: resized, less the mean values, times the scale. */
async function pixelsOf(
  bytes: Buffer,
  [, channels = 1, height = 1, width = 1]: readonly number[],
  transform: TransformationParameter | undefined,
): Promise<Float32Array> {
  if (channels !== 1 && channels !== 3) throw new NetrunError(`the net takes images of ${channels} channels`);
  const image = await decodeImage(bytes, channels === 1 ? "gray" : "color");
  const { pixels } = resizeImage(image, height, width);
  const { scale = 1, mean_value: means = [] } = transform ?? {};
  const plane = height * width;
  return Float32Array.from(pixels, (value, i) => {
    const mean = means.length === 1 ? means[0]! : (means[Math.floor(i / plane)] ?? 0);
    return (value - mean) * scale;
  });
}
