import { has, sub } from "../caffe/message.js";
import type { LayerParameter } from "../caffe/messages.js";
import { unknownFields } from "../text/notes.js";
import { croppedImages } from "./data-images.js";
import { type ExtraParam, extraFieldsOf } from "./extra-param.js";
import type { DataFacts, ImageShape, LayerFacts } from "./facts.js";
import { type DataLayer, dataLayer } from "./layer.js";

/**
 * Facts on a layer without bottoms whose type netrun does not have, or that is written in Python: whatever it is called, it brings
 * data in. Batch and image sizes are those of its own parameters, by the names that such layers give them.
 */
export const foreignData: DataFacts = {
  origin: "unread",
  batchSize: (layer) => numbersOf(layer, BATCH)[0] ?? shapesOf(layer)[0]?.[0],
  rowShapes: (layer) => shapesOf(layer).map((shape) => shape.slice(1)),
  image: foreignImage,
};

/** The type of such a layer: any number of tops, whose shapes whoever feeds them knows. */
export function foreignType({ type }: LayerParameter, facts: LayerFacts): DataLayer {
  const top: [number, number] = [1, Number.POSITIVE_INFINITY];
  return dataLayer({ ...facts, type, param: null, bottoms: 0, tops: top, data: facts.data!, shapes: () => undefined });
}

/** A loss, by the name of its type: what Caffe asks of its own loss layers' names. */
export const isNamedLoss = ({ type }: LayerParameter): boolean => /Loss(Layer)?$/.test(type);

/** A score of predictions, by the name of its type: SequenceAccuracy, AccuracyRegression, ConfusionMatrix and the like. */
export const isNamedScore = ({ type, bottom }: LayerParameter): boolean =>
  bottom.length > 1 && /^(Accuracy|ConfusionMatrix)|(Accuracy|Evaluate|CTCGreedyDecoder)(Layer)?$/.test(type);

/** An activation, a normalization or noise, by the name of its type. */
export const isNamedActivation = ({ type, bottom, top }: LayerParameter): boolean =>
  bottom.length === 1 &&
  top.length === 1 &&
  /(LU|Norm|Normali[sz]ation|Noise|Dropout|Activation|Swish)\d*$/i.test(type);

const BATCH = /^(batch_?size|batch|num|ims_per_batch|train_batch_size|n_?batch)$/;
const SIDES =
  /^(crop_?size|im_?shape|im_?size|image_?size|img_?size|input_?size|size|scale_?size|resize|net_side|net_size|target_?size)$/;
const HEIGHT = /^(crop_?h|crop_?height|crop_?size_y|new_?height|height|img_?height|im_?height|image_size_y)$/;
const WIDTH = /^(crop_?w|crop_?width|crop_?size_x|new_?width|width|img_?width|im_?width|image_size_x)$/;
const CHANNELS = /^(channels|num_?channels|n_?channels)$/;

function foreignImage(layer: LayerParameter): ImageShape | undefined {
  const cropped = croppedImages(layer);
  if (cropped) return cropped;
  const [side, other = side] = numbersOf(layer, SIDES);
  const height = numbersOf(layer, HEIGHT)[0] ?? side;
  const width = numbersOf(layer, WIDTH)[0] ?? other;
  if (!height || !width) return undefined;
  return [numbersOf(layer, CHANNELS)[0] ?? (sub(layer, "transform_param").force_gray ? 1 : 3), height, width];
}

/** Shapes of tops, where a layer's parameters say them as DummyData's do: `shape { dim: ... }` for each. */
function shapesOf(layer: LayerParameter): readonly (readonly number[])[] {
  const given = paramsOf(layer).find(({ shape }) => shape !== undefined)?.["shape"];
  const shapes = [given ?? []].flat().map((shape) => (isFields(shape) ? [(shape as ExtraParam)["dim"] ?? []] : []));
  const dims = shapes.map((shape) => shape.flat().map(Number));
  return dims.every((shape) => shape.length > 0 && shape.every((dim) => dim > 0)) ? dims : [];
}

/** Positive numbers of the first field of such a name, in the parameters that a layer gives or in Python's param_str. */
function numbersOf(layer: LayerParameter, name: RegExp): readonly number[] {
  for (const param of paramsOf(layer)) {
    const found = Object.entries(param).find(([field]) => name.test(field));
    const values = found ? [found[1]].flat().map(Number) : [];
    if (values.length > 0 && values.every((value) => value > 0 && Number.isInteger(value))) return values;
  }
  return [];
}

/** All parameter messages of a layer as plain fields: known ones, unknown ones, and what is in param_str. */
function paramsOf(layer: LayerParameter): ExtraParam[] {
  const params: ExtraParam[] = [];
  for (const [field, value] of Object.entries(layer) as [string, unknown][]) {
    if (!field.endsWith("_param") || !value || typeof value !== "object") continue;
    const set = Object.entries(value).filter(([name]) => has(value as LayerParameter, name as "name"));
    params.push({ ...(Object.fromEntries(set) as ExtraParam), ...extraFieldsOf(unknownFields(value)) });
  }
  params.push(extraFieldsOf(unknownFields(layer)));
  // One level deeper: resize_param in transform_param, and the parameters of a layer that nobody knows.
  const nested = params
    .flatMap((param) => Object.values(param).flat())
    .filter((value): value is ExtraParam => isFields(value));
  return [...params, ...nested, pythonDictionary(sub(layer, "python_param").param_str)];
}

const isFields = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);

/** Numbers, and lists of numbers, of a Python or YAML dictionary by their keys; a text without braces may be one key. */
function pythonDictionary(text: string): ExtraParam {
  const found: Record<string, number | number[]> = {};
  const entry = /["']?(\w+)["']?\s*[:=]\s*(?:(\d+)(?![\d.])|[[(]\s*(\d+(?:\s*,\s*\d+)*)\s*,?\s*[\])])/g;
  for (const [, key, number, list] of text.matchAll(entry))
    found[key!.toLowerCase()] = number === undefined ? list!.split(",").map(Number) : Number(number);
  return found;
}
