import { LargeMarginInnerProductParameter_LargeMarginType as Margin } from "../../caffe/messages.js";
import { constant, count, type Value } from "../../graph/index.js";
import {
  abs,
  add,
  div,
  gatherElements,
  gemm,
  mul,
  reduceSum,
  reshape,
  sign,
  sqrt,
  stopGradient,
  sub,
  transpose,
} from "../../ops/index.js";
import { oneHot } from "../indices.js";
import { canonicalAxis, computeLayer } from "../layer.js";
import { checkBatch, readLabels } from "../loss.js";
import { annealed, marginProduct } from "./margin-product.js";

/** Added to the product of lengths, so that a row of zeros divides by something. */
const LEAST = 1e-9;

/**
 * LargeMarginInnerProduct (L-Softmax): y = x W^T; at the label, for a margin m of 2 to 4 (`type` DOUBLE to QUADRUPLE),
 * y = (|x| |w| psi(cos) + lambda x w) / (1 + lambda), psi the monotonic continuation of cos(m angle), with lambda as in
 * MarginInnerProduct. x [..., k...] from `axis` on, labels [n], without which there is no margin; W [num_output, k]. A second top is
 * lambda. Source: Liu et al. 2016, Large-margin softmax loss; wy1iu/LargeMargin_Softmax_Loss, largemargin_inner_product_layer.cpp
 * and caffe.proto.
 */
export const LargeMarginInnerProduct = computeLayer({
  ...marginProduct("largemargin_inner_product_param"),
  type: "LargeMarginInnerProduct",
  lower(site) {
    const { param, bottoms, blobs, topCount } = site;
    const { shape } = bottoms[0]!.type;
    const axis = canonicalAxis(site, param.axis, shape.length);
    const [n, classes] = [count(shape, 0, axis), param.num_output];
    const x = reshape(bottoms[0]!, [n, count(shape, axis)]);
    const w = blobs[0]!;
    const product = gemm(x, w, { transB: true });
    const top = (y: Value) => reshape(y, [...shape.slice(0, axis), classes]);
    if (bottoms.length === 1) {
      if (topCount > 1) throw site.error("lambda is there for labels alone, a second bottom", "top");
      return { tops: [top(product)] };
    }
    checkBatch(site);
    const { lambda, state } = annealed(site);
    const tops = (y: Value) => (topCount > 1 ? [top(y), reshape(lambda, [1])] : [top(y)]);
    if (param.type === Margin.SINGLE) return { tops: tops(product), state };
    const labels = readLabels(reshape(bottoms[1]!, [n]), classes).classes;
    const index = reshape(labels, [n, 1]);
    const lengths = sqrt(reduceSum(mul(x, x), [1], true));
    const ofWeights = transpose(sqrt(reduceSum(mul(w, w), [1], true)), [1, 0]);
    const scale = gatherElements(add(mul(lengths, ofWeights), constant(LEAST)), index, 1);
    const own = gatherElements(product, index, 1);
    const margined = mul(scale, continued(param.type, div(own, scale)));
    const share = div(constant(1), add(lambda, constant(1)));
    const moved = mul(mul(oneHot(labels, classes), share), sub(margined, own));
    return { tops: tops(add(product, moved)), state };
  },
});

/** (-1)^k cos(m angle) - 2k of a cosine, k the part of the angle between 0 and pi; k has no gradient. */
function continued(type: Margin, cosine: Value): Value {
  const times = (x: Value, factor: number) => mul(x, constant(factor));
  const plus = (x: Value, term: number) => add(x, constant(term));
  const fixed = stopGradient(cosine);
  const side = sign(fixed);
  const square = mul(cosine, cosine);
  if (type === Margin.DOUBLE) return plus(times(mul(side, square), 2), -1);
  if (type === Margin.TRIPLE) {
    const first = sign(plus(abs(fixed), -0.5));
    const second = plus(mul(side, plus(first, 1)), -2);
    return add(mul(first, sub(times(mul(square, cosine), 4), times(cosine, 3))), second);
  }
  const third = mul(side, sign(plus(times(mul(fixed, fixed), 2), -1)));
  const last = plus(add(times(side, 2), third), -3);
  return add(mul(third, plus(sub(times(mul(square, square), 8), times(square, 8)), 1)), last);
}
