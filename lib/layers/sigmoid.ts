import { sigmoid } from "../ops/index.js";
import { computeLayer } from "./layer.js";

/** Sigmoid: y = 1 / (1 + exp(-x)), element by element, in (0, 1). */
export const Sigmoid = computeLayer({
  type: "Sigmoid",
  param: "sigmoid_param",
  bottoms: 1,
  tops: 1,
  caffeMemory: () => ({ readsBottom: "nothing", readsTop: "entries" }),
  sees: "place",
  lower: ({ bottoms }) => ({ tops: [sigmoid(bottoms[0]!)] }),
});
