import { constant, type Value } from "../../graph/index.js";
import { acos, clip, cos, div, exp, max, min, mul, neg, sin, sqrt, sub } from "../../ops/index.js";
import { computeLayer } from "../layer.js";
import { withSlope } from "../slope.js";

/** Cosines and angles stay this far from where slopes are infinite. */
export const NEAR = 1e-4;

const common = { bottoms: 1, tops: 1, sees: "place" } as const;

/** Cosines near enough to 0 for their angle's slope, and the sines of these angles. */
export function nearCosine(x: Value): { readonly cosine: Value; readonly sine: Value } {
  const cosine = clip(x, NEAR - 1, 1 - NEAR);
  return { cosine, sine: sqrt(sub(constant(1), mul(cosine, cosine))) };
}

/**
 * Arccos (caffe-windows): y = the angle of a cosine x, which counts as at most 0.9999 away from 0, in the gradient -1 / sqrt(1 - x^2)
 * too.
 * Source: happynear/caffe-windows, arccos_layer.cu.
 */
export const Arccos = computeLayer({
  ...common,
  type: "Arccos",
  param: null,
  lower({ bottoms }) {
    const x = bottoms[0]!;
    const { cosine, sine } = nearCosine(x);
    return { tops: [withSlope(acos(cosine), x, neg(div(constant(1), sine)))] };
  },
});

/** Cosine (caffe-windows): y = cos(x), with its own slope, as the authors' code for GPUs has it. Source: cosine_layer.cu. */
export const Cosine = computeLayer({
  ...common,
  type: "Cosine",
  param: null,
  lower: ({ bottoms: [x] }) => ({ tops: [withSlope(cos(x!), x!, neg(sin(x!)))] }),
});

/** SoftTruncation (caffe-windows): y = 1 - e^(-x / c). Source: soft_truncation_layer.cpp. */
export const SoftTruncation = computeLayer({
  ...common,
  type: "SoftTruncation",
  param: "soft_truncation_param",
  lower(site) {
    const { c } = site.param;
    if (c === 0) throw site.error("c must not be 0", "c");
    return { tops: [sub(constant(1), exp(div(site.bottoms[0]!, constant(-c))))] };
  },
});

/** Truncation (caffe-windows): y = min(max(x, lower_bound), upper_bound). Source: truncation_layer.cpp. */
export const Truncation = computeLayer({
  ...common,
  type: "Truncation",
  param: "truncation_param",
  lower: ({ bottoms: [x], param: { lower_bound, upper_bound } }) => ({
    tops: [min(max(x!, constant(lower_bound)), constant(upper_bound))],
  }),
});
