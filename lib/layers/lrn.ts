import { sub as message } from "../caffe/message.js";
import { LRNParameter_NormRegion as Region } from "../caffe/messages.js";
import { constant, type Value } from "../graph/index.js";
import { add, averagePool, divideByPower, lrn, mul } from "../ops/index.js";
import { bottomText, computeLayer } from "./layer.js";

/**
 * LRN, local response normalisation: y = x / (k + alpha * mean of x^2 over a window)^beta. x [n, c, h, w], y as x.
 * ACROSS_CHANNELS: the window is `local_size` channels around; WITHIN_CHANNEL: local_size^2 entries of the plane around, and k is
 * 1 whatever is given. What lies outside of the blob counts as 0. local_size is odd.
 * Source: Krizhevsky 2012, section 3.3, with alpha divided by the window, as Caffe does.
 */
export const LRN = computeLayer({
  type: "LRN",
  param: "lrn_param",
  bottoms: 1,
  tops: 1,
  caffeMemory(layer) {
    // Within a channel Caffe computes it by other layers, the last of which is a product.
    if (message(layer, "lrn_param").norm_region === Region.WITHIN_CHANNEL) {
      return { inPlace: { differs: "gradients", gives: "Caffe reads the bottom's values where the top's are" } };
    }
    return {
      inPlace: { differs: "values", gives: "Caffe gives scale^(-2 beta) in the place of x * scale^(-beta)" },
      readsTop: "entries",
      ignoresPropagateDown: true,
    };
  },
  sees: (layer) => {
    const { norm_region, local_size } = message(layer, "lrn_param");
    const size = norm_region === Region.WITHIN_CHANNEL ? local_size : 1;
    return { kernel: [size, size], stride: [1, 1] };
  },
  lower(site) {
    const { alpha, beta, k, local_size, norm_region } = site.param;
    const x = site.bottoms[0]!;
    const { shape } = x.type;
    if (local_size % 2 !== 1) throw site.error(`local_size ${local_size} is not odd`, "local_size");
    if (shape.length !== 4) throw site.bottomError(0, `${bottomText(site, 0)} does not have 4 axes`);
    switch (norm_region) {
      case Region.ACROSS_CHANNELS:
        return { tops: [lrn(x, { size: local_size, alpha, beta, bias: k })] };
      case Region.WITHIN_CHANNEL: {
        const mean = neighbourhood(mul(x, x), [local_size, local_size]);
        return { tops: [divideByPower(x, add(mul(mean, constant(alpha)), constant(1)), beta)] };
      }
      default:
        throw site.error(`unknown norm_region ${norm_region}`, "norm_region");
    }
  },
});

/** Mean of the window around each entry, zeros outside. */
function neighbourhood(x: Value, kernel: readonly [number, number]): Value {
  const around = kernel.map((size) => [(size - 1) / 2, (size - 1) / 2] as const);
  return averagePool(x, { kernel, strides: [1, 1], pads: around });
}
