import { constant, type Value } from "../../graph/index.js";
import {
  acos,
  clip,
  cos,
  div,
  exp,
  max,
  min,
  mul,
  neg,
  sin,
  sqrt,
  stopGradient,
  sub,
  withGradientOf,
} from "../../ops/index.js";
import { computeLayer } from "../layer.js";

/** Cosines stay this far from where the slope of their angle is infinite. */
const NEAR = 1e-4;

const common = { bottoms: 1, tops: 1, sees: "place" } as const;

/** y = `value`, whose gradient is that of x times a factor. */
const withFactor = (value: Value, x: Value, factor: Value) =>
  withGradientOf(stopGradient(value), mul(x, stopGradient(factor)));

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
    const cosine = clip(x, NEAR - 1, 1 - NEAR);
    const slope = neg(div(constant(1), sqrt(sub(constant(1), mul(cosine, cosine)))));
    return { tops: [withFactor(acos(cosine), x, slope)] };
  },
});

/** Cosine (caffe-windows): y = cos(x), with its own slope, as the authors' code for GPUs has it. Source: cosine_layer.cu. */
export const Cosine = computeLayer({
  ...common,
  type: "Cosine",
  param: null,
  lower: ({ bottoms: [x] }) => ({ tops: [withFactor(cos(x!), x!, neg(sin(x!)))] }),
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
