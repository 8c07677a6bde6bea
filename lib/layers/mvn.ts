import { sub as message } from "../caffe/message.js";
import { constant, count } from "../graph/index.js";
import { add, div, moments, mul, reshape, sqrt, stopGradient, sub } from "../ops/index.js";
import { computeLayer, legacyShape } from "./layer.js";

/**
 * MVN: y = (x - mean) / (deviation + eps) over each channel of each image, or with `across_channels` over each image; without
 * `normalize_variance` only the mean is subtracted. x of at most 4 axes, y [n, c, h, w] (ones for axes that x lacks).
 * Caffe's gradient is that of (x - mean) / sqrt(v) at v = (deviation + eps)^2, so that a constant channel has one.
 */
export const MVN = computeLayer({
  type: "MVN",
  param: "mvn_param",
  bottoms: 1,
  tops: 1,
  caffeMemory(layer) {
    if (!message(layer, "mvn_param").normalize_variance) return { readsBottom: "nothing", ignoresPropagateDown: true };
    return {
      inPlace: { differs: "gradients", gives: "Caffe overwrites the top's gradient before it reads it" },
      readsBottom: "nothing",
      readsTop: "values",
      ignoresPropagateDown: true,
    };
  },
  lower(site) {
    const { across_channels, eps, normalize_variance } = site.param;
    const shape = legacyShape(site, 0);
    const groups = across_channels ? shape[0] : shape[0] * shape[1];
    const x = reshape(site.bottoms[0]!, [groups, count(shape, across_channels ? 1 : 2)]);
    const { centred, variance } = moments(x, [1]);
    if (!normalize_variance) return { tops: [reshape(centred, shape)] };
    const root = add(sqrt(variance), constant(eps));
    const shift = stopGradient(sub(mul(root, root), variance));
    return { tops: [reshape(div(centred, sqrt(add(variance, shift))), shape)] };
  },
});
