import { dataLayer } from "./layer.js";

/** Input: tops fed from outside, one `shape` for all of them or one each. No bottoms. */
export const Input = dataLayer({
  type: "Input",
  param: "input_param",
  bottoms: 0,
  tops: [1, Number.POSITIVE_INFINITY],
  shapes({ param, topCount, error }) {
    const { shape } = param;
    if (shape.length === 0) return undefined;
    if (shape.length !== 1 && shape.length !== topCount) {
      throw error(`${shape.length} shapes for ${topCount} tops`, "shape", ["give one shape for all tops, or one each"]);
    }
    return Array.from({ length: topCount }, (_, i) => shape[shape.length === 1 ? 0 : i]!.dim);
  },
});
