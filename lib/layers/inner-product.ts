import { sub } from "../caffe/message.js";
import type { InnerProductParameter } from "../caffe/messages.js";
import { constant, count, type Value } from "../graph/index.js";
import { add, div, gemm, mul, reduceSum, reshape, sqrt, stopGradient, withGradientOf } from "../ops/index.js";
import { bottomText, canonicalAxis, computeLayer, type Place, type Site } from "./layer.js";

/**
 * InnerProduct: y = x W^T + b (`transpose`: y = x W + b), x flattened from `axis` on.
 * x [..., k...], W [num_output, k] (transposed [k, num_output]), b [num_output], y [..., num_output].
 * Of caffe-windows: W may be a second bottom, whose rows say num_output, and b a third; with `normalize` rows of W have length 1.
 */
export const InnerProduct = computeLayer({
  type: "InnerProduct",
  param: "inner_product_param",
  bottoms: [1, 3],
  tops: 1,
  family: "weights",
  blobs(place) {
    const { param, bottoms } = place;
    const { n, k } = sizes(place);
    const shape = param.transpose ? [k, n] : [n, k];
    const weight = { shape, filler: sub(param, "weight_filler"), unitAxis: param.transpose ? 1 : 0 };
    const bias = { shape: [n], filler: sub(param, "bias_filler") };
    return [...(bottoms.length > 1 ? [] : [weight]), ...(param.bias_term && bottoms.length < 3 ? [bias] : [])];
  },
  lower(site) {
    const { param, bottoms } = site;
    const { n, k, axis } = sizes(site);
    const blobs = [...site.blobs];
    const w = bottoms[1] ? reshape(bottoms[1], param.transpose ? [k, n] : [n, k]) : blobs.shift()!;
    const b = bottoms[2] && param.bias_term ? reshape(bottoms[2], [n]) : blobs.shift();
    const { shape } = bottoms[0]!.type;
    const rows = reshape(bottoms[0]!, [count(shape, 0, axis), k]);
    const isUnit = param.normalize && !bottoms[1];
    const y = isUnit ? ofUnitRows(site, rows, w, b) : gemm(rows, w, { transB: !param.transpose }, b);
    return { tops: [reshape(y, [...shape.slice(0, axis), n])] };
  },
});

function sizes(place: Place<InnerProductParameter>): { readonly n: number; readonly k: number; readonly axis: number } {
  const { param, bottoms } = place;
  const { shape } = bottoms[0]!.type;
  const axis = canonicalAxis(place, param.axis, shape.length);
  const k = count(shape, axis);
  const given = bottoms[1];
  if (!given) {
    if (param.num_output <= 0) throw place.error("num_output must be greater than 0", "num_output");
    return { n: param.num_output, k, axis };
  }
  const n = count(given.type.shape) / k;
  if (!Number.isInteger(n) || (!param.transpose && given.type.shape[0] !== n))
    throw place.bottomError(
      1,
      `${bottomText(place, 1)} has no weights for the ${k} entries of ${bottomText(place, 0)}`,
    );
  const biases = bottoms[2];
  if (biases && count(biases.type.shape) !== n)
    throw place.bottomError(
      2,
      `${bottomText(place, 2)} is not ${n} biases, one for each row of ${bottomText(place, 1)}`,
    );
  return { n, k, axis };
}

/**
 * The product with rows of W scaled to length 1. The fork scales W itself in each forward, and its gradient is simply dy^T x; here
 * W's length is free and its gradient in proportion to it, which turns W the same way.
 */
function ofUnitRows({ param, error }: Site<InnerProductParameter>, x: Value, w: Value, b?: Value): Value {
  if (param.transpose) throw error("normalize is for weights that are not transposed", "normalize");
  const lengths = stopGradient(sqrt(add(reduceSum(mul(w, w), [1], true), constant(1e-6))));
  const unit = stopGradient(div(w, lengths));
  const y = gemm(x, unit, { transB: true }, b);
  return withGradientOf(y, add(y, gemm(stopGradient(x), mul(w, lengths), { transB: true })));
}
