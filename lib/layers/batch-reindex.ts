import { gather } from "../ops/index.js";
import { indicesOf } from "./indices.js";
import { computeLayer } from "./layer.js";

/**
 * BatchReindex: y[i] = x[index[i]], items of the batch picked in any order and number. x [n, ...], index [m] of numbers in [0, n),
 * y [m, ...]. The gradients of an item's copies add up; the index has none.
 */
export const BatchReindex = computeLayer({
  type: "BatchReindex",
  param: null,
  bottoms: 2,
  tops: 1,
  noGradientTo: [1],
  lower(site) {
    const [x, index] = site.bottoms;
    if (x!.type.shape.length === 0) throw site.bottomError(0, "BatchReindex takes a blob of at least 1 axis");
    if (index!.type.shape.length !== 1) {
      throw site.bottomError(1, `the indices are a blob of 1 axis, not [${index!.type.shape}]`);
    }
    return { tops: [gather(x!, indicesOf(index!, x!.type.shape[0]!), 0)] };
  },
});
