import type { Value } from "../graph/index.js";
import { mul, stopGradient, sub, withGradientOf } from "../ops/index.js";

/** `value` forward and x's gradient backward: where Caffe's backward looks past a clamp or a rounding of its forward. */
export const passThrough = (value: Value, x: Value): Value => withGradientOf(value, x);

/** `value` forward, `slope` times the gradient to x backward: where the slope that Caffe uses is not the derivative. */
export const withSlope = (value: Value, x: Value, slope: Value): Value =>
  withGradientOf(value, mul(x, stopGradient(slope)));

/** Zeros with x's gradient. */
export const nothing = (x: Value): Value => sub(x, stopGradient(x));
