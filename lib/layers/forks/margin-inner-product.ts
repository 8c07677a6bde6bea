import {
  MarginInnerProductParameter_MarginType as Margin,
  type MarginInnerProductParameter,
} from "../../caffe/messages.js";
import { constant, count, type Value } from "../../graph/index.js";
import {
  abs,
  add,
  div,
  gatherElements,
  gemm,
  mul,
  neg,
  reduceSum,
  reshape,
  sign,
  sqrt,
  stopGradient,
  sub,
  withGradientOf,
} from "../../ops/index.js";
import { oneHot } from "../indices.js";
import { canonicalAxis, computeLayer, type Site } from "../layer.js";
import { checkBatch, readLabels } from "../loss.js";
import { annealed, marginProduct } from "./margin-product.js";

/**
 * MarginInnerProduct (SphereFace): y = x W^T with the rows of W scaled to length 1; at the label, for a margin m of 2 to 4
 * (`type` DOUBLE to QUADRUPLE), y = (|x| psi(cos) + lambda x w) / (1 + lambda), psi the monotonic continuation of cos(m angle), with
 * lambda = max(base (1 + gamma t)^-power, lambda_min), t counting forwards from `iteration`. A second top is lambda.
 * x [..., k...] from `axis` on, labels, without which there is no margin, [n], W [num_output, k].
 * The gradients are the authors': to x at the label w and x in proportions scaled to length 1, to W simply dy^T x. The fork keeps W
 * itself scaled; here W's length is free and its gradient in proportion to it, which turns W the same way.
 */
export const MarginInnerProduct = computeLayer({
  ...marginProduct("margin_inner_product_param"),
  type: "MarginInnerProduct",
  lower(site) {
    const { shape } = site.bottoms[0]!.type;
    const axis = canonicalAxis(site, site.param.axis, shape.length);
    const x = reshape(site.bottoms[0]!, [count(shape, 0, axis), count(shape, axis)]);
    const lengths = sqrt(reduceSum(mul(site.blobs[0]!, site.blobs[0]!), [1], true));
    const w = stopGradient(div(site.blobs[0]!, lengths));
    const product = gemm(x, w, { transB: true });
    // dW = |W| dy^T x: the product of x as it is and W whose rows count |W| times.
    const ofWeights = gemm(stopGradient(x), mul(site.blobs[0]!, stopGradient(lengths)), { transB: true });
    const top = (y: Value, path: Value) =>
      reshape(withGradientOf(y, add(path, ofWeights)), [...shape.slice(0, axis), site.param.num_output]);
    if (site.bottoms.length === 1) {
      if (site.topCount > 1) throw site.error("lambda is there for labels alone, a second bottom", "top");
      return { tops: [top(product, product)] };
    }
    checkBatch(site);
    const { lambda, state } = annealed(site);
    const tops = (y: Value) => (site.topCount > 1 ? [y, reshape(lambda, [1])] : [y]);
    if (site.param.type === Margin.SINGLE) return { tops: tops(top(product, product)), state };
    const { y, path } = atLabel(site, x, product, lambda);
    return { tops: tops(top(y, path)), state };
  },
});

/** The product with the margin at the labels, and a value that has its gradient in x. */
function atLabel(site: Site<MarginInnerProductParameter>, x: Value, product: Value, lambda: Value) {
  const [rows, classes] = product.type.shape as [number, number];
  const labels = readLabels(reshape(site.bottoms[1]!, [rows]), classes).classes;
  const fixed = stopGradient(x);
  const length = sqrt(reduceSum(mul(fixed, fixed), [1], true));
  const own = gatherElements(product, reshape(labels, [rows, 1]), 1);
  const { psi, ofWeight, ofInput } = margin(site, div(stopGradient(own), length));
  const isLabel = oneHot(labels, classes);
  const share = div(constant(1), add(lambda, constant(1)));
  const blended = (margined: Value, whole: Value) =>
    add(whole, mul(mul(isLabel, share), sub(margined, gatherElements(whole, reshape(labels, [rows, 1]), 1))));
  const onInput = div(ofInput, length);
  const norm = sqrt(add(mul(ofWeight, ofWeight), mul(onInput, onInput)));
  const inRow = reduceSum(mul(x, fixed), [1], true);
  const path = add(mul(div(ofWeight, norm), own), mul(div(onInput, norm), inRow));
  return { y: blended(mul(length, psi), stopGradient(product)), path: blended(path, product) };
}

/** psi of a cosine, and the authors' factors of w and of x / |x| in the gradient of |x| psi. */
function margin({ param, error }: Site<MarginInnerProductParameter>, cos: Value) {
  const times = (x: Value, factor: number) => mul(x, constant(factor));
  const plus = (x: Value, term: number) => add(x, constant(term));
  const side = sign(cos);
  const square = mul(cos, cos);
  const cube = mul(square, cos);
  const fourth = mul(square, square);
  switch (param.type) {
    case Margin.DOUBLE: {
      const folded = mul(side, square);
      return {
        psi: plus(times(folded, 2), -1),
        ofWeight: times(mul(side, cos), 4),
        ofInput: neg(plus(times(folded, 2), 1)),
      };
    }
    case Margin.TRIPLE: {
      const first = sign(plus(abs(cos), -0.5));
      const second = plus(mul(side, plus(first, 1)), -2);
      return {
        psi: add(mul(first, sub(times(cube, 4), times(cos, 3))), second),
        ofWeight: mul(first, plus(times(square, 12), -3)),
        ofInput: neg(sub(times(mul(first, cube), 8), second)),
      };
    }
    case Margin.QUADRUPLE: {
      const third = mul(side, sign(plus(times(square, 2), -1)));
      const last = plus(add(times(side, 2), third), -3);
      return {
        psi: add(mul(third, plus(sub(times(fourth, 8), times(square, 8)), 1)), last),
        ofWeight: mul(third, sub(times(cube, 32), times(cos, 16))),
        ofInput: neg(sub(mul(third, plus(sub(times(fourth, 24), times(square, 8)), -1)), last)),
      };
    }
    default:
      throw error(`unknown margin type ${param.type}`, "type");
  }
}
