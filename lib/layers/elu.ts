import { sub as message } from "../caffe/message.js";
import { elu } from "../ops/index.js";
import { computeLayer } from "./layer.js";

/** ELU: y = x for x > 0, else alpha * (exp(x) - 1), element by element. The gradient at 0 is alpha, as in Caffe. */
export const ELU = computeLayer({
  type: "ELU",
  param: "elu_param",
  bottoms: 1,
  tops: 1,
  caffeMemory(layer) {
    if (message(layer, "elu_param").alpha < 0) {
      return {
        inPlace: { differs: "gradients", gives: "Caffe takes the signs of the top for those of the bottom" },
        readsTop: "entries",
      };
    }
    return { readsBottom: "signs", readsTop: "entries", keeps: "signs" };
  },
  sees: "place",
  lower: ({ bottoms, param }) => ({ tops: [elu(bottoms[0]!, param.alpha)] }),
});
