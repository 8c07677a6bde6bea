import { sub as message } from "../caffe/message.js";
import { constant } from "../graph/index.js";
import { cast, greaterOrEqual, mul } from "../ops/index.js";
import { computeLayer } from "./layer.js";

/**
 * Dropout: in TRAIN y = x * mask / (1 - dropout_ratio), each entry of the mask 0 with probability dropout_ratio, else 1; in TEST
 * y = x. The mask is drawn anew for every forward from the seeded generator, and its backward sees the same one.
 */
export const Dropout = computeLayer({
  type: "Dropout",
  param: "dropout_param",
  bottoms: 1,
  tops: 1,
  caffeMemory: (layer, phase) => {
    const isIdentity = phase === "TEST" || message(layer, "dropout_param").dropout_ratio === 0;
    return { readsBottom: "nothing", keeps: isIdentity ? "values" : "signs" };
  },
  sees: "place",
  lower(site) {
    const x = site.bottoms[0]!;
    const ratio = site.param.dropout_ratio;
    if (!(ratio >= 0 && ratio < 1)) {
      throw site.error(`dropout_ratio ${ratio} is not in [0, 1)`, "dropout_ratio", [
        "it is the probability with which an entry is dropped",
      ]);
    }
    if (site.phase === "TEST" || ratio === 0) return { tops: [x] };
    const kept = greaterOrEqual(site.random(x.type.shape), constant(ratio));
    return { tops: [mul(x, mul(cast(kept, "float32"), constant(1 / (1 - ratio))))] };
  },
});
