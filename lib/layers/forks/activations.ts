import { constant, type Value } from "../../graph/index.js";
import { abs, add, clip, div, elu, mul, sign, softplus, sqrt, stopGradient, tanh } from "../../ops/index.js";
import { type ComputeLayer, computeLayer } from "../layer.js";
import { withSlope } from "../slope.js";

/** A function without parameters, element by element. */
const activation = (type: string, of: (x: Value) => Value): ComputeLayer =>
  computeLayer({
    type,
    param: null,
    bottoms: 1,
    tops: 1,
    sees: "place",
    lower: ({ bottoms }) => ({ tops: [of(bottoms[0]!)] }),
  });

/** min(max(slope * x + offset, 0), 1). */
const ramp = (x: Value, slope: number, offset: number) => clip(add(mul(x, constant(slope)), constant(offset)), 0, 1);

/**
 * HardSigmoid (MobileNet-YOLO): y = min(max(alpha x + beta, 0), 1), alpha 0.2 and beta 0.5 where they are not set. The fork's backward compares y, not x, with its bounds, and so has
 * the slope alpha everywhere; here the slope is that of the function.
 */
export const HardSigmoid = computeLayer({
  type: "HardSigmoid",
  param: "hardsigmoid_param",
  bottoms: 1,
  tops: 1,
  sees: "place",
  lower: ({ bottoms: [x], param: { alpha, beta } }) => ({ tops: [ramp(x!, alpha, beta)] }),
});

/** HardSwish (MobileNet v3): y = x * min(max(x / 6 + 1/2, 0), 1). */
export const HardSwish = activation("HardSwish", (x) => mul(x, ramp(x, 1 / 6, 0.5)));

/** Mish (YOLO v4): y = x * tanh(log(1 + e^x)). */
export const Mish = activation("Mish", (x) => mul(x, tanh(softplus(x))));

/** SELU's two constants, by Klambauer et al. 2017. */
const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

/** SELU: y = 1.0507 x for x > 0, else 1.0507 * 1.6733 * (e^x - 1). */
export const SELU = activation("SELU", (x) => mul(elu(x, SELU_ALPHA), constant(SELU_SCALE)));

/** Keeps the slope at 0 from being infinite. */
const SQRT_LEAST = 1e-5;

/** SignedSqrt (compact bilinear pooling): y = sign(x) sqrt(|x|), with the slope 1 / (2 (|y| + 1e-5)). */
export const SignedSqrt = activation("SignedSqrt", (x) => {
  const root = sqrt(abs(stopGradient(x)));
  return withSlope(mul(sign(stopGradient(x)), root), x, div(constant(0.5), add(root, constant(SQRT_LEAST))));
});
