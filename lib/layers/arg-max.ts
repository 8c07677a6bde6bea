import { has } from "../caffe/message.js";
import { constantOf, count, type Value } from "../graph/index.js";
import { cast, concat, reshape, reverse, stopGradient, sub, topK } from "../ops/index.js";
import { canonicalAxis, computeLayer } from "./layer.js";

/**
 * ArgMax: the indices of the `top_k` greatest values, greatest first; of equal values the last comes first, as Caffe sorts pairs of
 * value and index. With `axis` along that axis, whose size becomes top_k (with `out_max_val` the values instead of the indices).
 * Without it over all of each item: x [n, ...] gives [n, 1, top_k, 1...] of as many axes as x, at least 3
 * (with `out_max_val` [n, 2, top_k, 1...], indices and then values). It has no gradient.
 */
export const ArgMax = computeLayer({
  type: "ArgMax",
  param: "argmax_param",
  bottoms: 1,
  tops: 1,
  noGradientTo: [0],
  lower(site) {
    const { param } = site;
    const x = stopGradient(site.bottoms[0]!);
    const { shape } = x.type;
    const k = param.top_k;
    const along = has(param, "axis") ? canonicalAxis(site, param.axis, shape.length) : undefined;
    if (along === undefined && shape.length === 0) throw site.bottomError(0, "ArgMax takes a blob of at least 1 axis");
    const dim = along === undefined ? count(shape, 1) : shape[along]!;
    if (k < 1) throw site.error(`top_k ${k} must be at least 1`, "top_k");
    if (k > dim) {
      const where = along === undefined ? "each item" : `axis ${along}`;
      throw site.error(`top_k ${k} is more than the ${dim} values of ${where} of [${shape}]`, "top_k");
    }
    if (along !== undefined) {
      const { values, indices } = lastFirst(x, along, k);
      return { tops: [param.out_max_val ? values : indices] };
    }
    const n = shape[0]!;
    const { values, indices } = lastFirst(reshape(x, [n, dim]), 1, k);
    const both = param.out_max_val ? concat([indices, values], 1) : indices;
    const ones = Array<number>(Math.max(shape.length, 3) - 3).fill(1);
    return { tops: [reshape(both, [n, param.out_max_val ? 2 : 1, k, ...ones])] };
  },
});

/** The k greatest values along an axis and their indices as float32, the last of equal values first: TopK, on the axis reversed. */
function lastFirst(x: Value, axis: number, k: number): { readonly values: Value; readonly indices: Value } {
  const dim = x.type.shape[axis]!;
  const { values, indices } = topK(reverse(x, axis), axis, k);
  const last = constantOf("int64", BigInt64Array.of(BigInt(dim - 1)), []);
  return { values, indices: cast(sub(last, indices), "float32") };
}
