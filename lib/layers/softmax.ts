import { softmax } from "../ops/index.js";
import { canonicalAxis, computeLayer } from "./layer.js";

/** Softmax: y = exp(x) / sum of exp(x) along `axis`, computed from x - max(x) so that nothing overflows. */
export const Softmax = computeLayer({
  type: "Softmax",
  param: "softmax_param",
  bottoms: 1,
  tops: 1,
  caffeMemory: () => ({ readsBottom: "nothing", readsTop: "entries", ignoresPropagateDown: true }),
  sees: "place",
  lower(site) {
    const x = site.bottoms[0]!;
    return { tops: [softmax(x, canonicalAxis(site, site.param.axis, x.type.shape.length))] };
  },
});
