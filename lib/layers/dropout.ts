import { sub as message } from "../caffe/message.js";
import { constant } from "../graph/index.js";
import { cast, greaterOrEqual, mul } from "../ops/index.js";
import { computeLayer } from "./layer.js";

/**
 * Dropout: in TRAIN y = x * mask / (1 - dropout_ratio), each entry of the mask 0 with probability dropout_ratio, else 1; in TEST
 * y = x. The mask is drawn anew for every forward from the seeded generator, and its backward sees the same one.
 * Of forks: with scale_train false y = x * mask in TRAIN and x * (1 - dropout_ratio) in TEST; with sample_weights_test the same in
 * TEST as in TRAIN.
 */
export const Dropout = computeLayer({
  type: "Dropout",
  param: "dropout_param",
  bottoms: 1,
  tops: 1,
  caffeMemory: (layer, phase) => {
    const { dropout_ratio, scale_train, sample_weights_test } = message(layer, "dropout_param");
    const isIdentity = (phase === "TEST" && scale_train && !sample_weights_test) || dropout_ratio === 0;
    return { readsBottom: "nothing", keeps: isIdentity ? "values" : "signs" };
  },
  sees: "place",
  lower(site) {
    const x = site.bottoms[0]!;
    const { dropout_ratio: ratio, scale_train: scalesTrain, sample_weights_test: drawsInTest } = site.param;
    if (!(ratio >= 0 && ratio < 1)) {
      throw site.error(`dropout_ratio ${ratio} is not in [0, 1)`, "dropout_ratio", [
        "it is the probability with which an entry is dropped",
      ]);
    }
    if (ratio === 0) return { tops: [x] };
    if (site.phase === "TEST" && !drawsInTest) return { tops: [scalesTrain ? x : mul(x, constant(1 - ratio))] };
    const kept = cast(greaterOrEqual(site.random(x.type.shape), constant(ratio)), "float32");
    return { tops: [mul(x, scalesTrain ? mul(kept, constant(1 / (1 - ratio))) : kept)] };
  },
});
