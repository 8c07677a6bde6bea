import { create, sub } from "../caffe/message.js";
import type { Init, LayerParameter } from "../caffe/messages.js";
import { noteSpan, spanOf } from "../text/notes.js";
import { dataLayer } from "./layer.js";

/** Input: tops fed from outside, one `shape` for all of them or one each. No bottoms. */
export const Input = dataLayer({
  type: "Input",
  param: "input_param",
  bottoms: 0,
  tops: [1, Number.POSITIVE_INFINITY],
  data: {
    origin: "input",
    batchSize: (layer) => sub(layer, "input_param").shape[0]?.dim[0],
    rowShapes: (layer) => {
      const { shape } = sub(layer, "input_param");
      return layer.top.map((_, i) => (shape[i] ?? shape[0])?.dim.slice(1).map(Number));
    },
  },
  shapes({ param, topCount, error }) {
    const { shape } = param;
    if (shape.length === 0) return undefined;
    if (shape.length !== 1 && shape.length !== topCount) {
      throw error(`${shape.length} shapes for ${topCount} tops`, "shape", ["give one shape for all tops, or one each"]);
    }
    return Array.from({ length: topCount }, (_, i) => shape[shape.length === 1 ? 0 : i]!.dim);
  },
});

/**
 * An Input layer that stands for data layers: the name and the place of the first, the tops of all, of these shapes, or of those
 * that whoever feeds it gives.
 */
export function inputFor(
  layers: readonly [LayerParameter, ...LayerParameter[]],
  shapeOf?: (top: string) => readonly number[],
  rest: Init<LayerParameter> = {},
): LayerParameter {
  const [{ name }] = layers;
  const top = [...new Set(layers.flatMap((layer) => layer.top))];
  const param = shapeOf ? { input_param: { shape: top.map((each) => ({ dim: shapeOf(each) })) } } : {};
  const input = create("LayerParameter", { name, type: Input.type, top, ...param, ...rest });
  noteSpan(input, spanOf(layers[0]));
  return input;
}

/** An Input layer of one blob, whose shape whoever feeds it gives. */
export const inputOfBlob = (blob: string): LayerParameter =>
  create("LayerParameter", { name: `given ${blob}`, type: Input.type, top: [blob] });
