import { tanh } from "../ops/index.js";
import { computeLayer } from "./layer.js";

/** TanH: y = tanh(x), element by element, in (-1, 1). */
export const TanH = computeLayer({
  type: "TanH",
  param: "tanh_param",
  bottoms: 1,
  tops: 1,
  caffeMemory: () => ({ readsBottom: "nothing", readsTop: "entries" }),
  sees: "place",
  lower: ({ bottoms }) => ({ tops: [tanh(bottoms[0]!)] }),
});
