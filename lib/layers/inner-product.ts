import { sub } from "../caffe/message.js";
import { count, type Value } from "../graph/index.js";
import { gemm, reshape } from "../ops/index.js";
import { canonicalAxis, computeLayer } from "./layer.js";

/**
 * InnerProduct: y = x W^T + b (`transpose`: y = x W + b), x flattened from `axis` on.
 * x [..., k...], W [num_output, k] (transposed [k, num_output]), b [num_output], y [..., num_output].
 */
export const InnerProduct = computeLayer({
  type: "InnerProduct",
  param: "inner_product_param",
  bottoms: 1,
  tops: 1,
  family: "weights",
  blobs(place) {
    const { param } = place;
    const { shape } = place.bottoms[0]!.type;
    const k = count(shape, canonicalAxis(place, param.axis, shape.length));
    const n = param.num_output;
    if (n <= 0) throw place.error("num_output must be greater than 0", "num_output");
    const weight = { shape: param.transpose ? [k, n] : [n, k], filler: sub(param, "weight_filler") };
    return param.bias_term ? [weight, { shape: [n], filler: sub(param, "bias_filler") }] : [weight];
  },
  lower(site) {
    const { param } = site;
    const x = site.bottoms[0]!;
    const { shape } = x.type;
    const axis = canonicalAxis(site, param.axis, shape.length);
    const [w, b] = site.blobs as [Value, Value | undefined];
    const rows = reshape(x, [count(shape, 0, axis), count(shape, axis)]);
    const y = gemm(rows, w, { transB: !param.transpose }, b);
    return { tops: [reshape(y, [...shape.slice(0, axis), param.num_output])] };
  },
});
