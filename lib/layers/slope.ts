import type { Value } from "../graph/index.js";
import { add, mul, stopGradient, sub } from "../ops/index.js";

/** `value` forward and x's gradient backward: where Caffe's backward looks past a clamp or a rounding of its forward. */
export const passThrough = (value: Value, x: Value): Value => add(stopGradient(value), nothing(x));

/** `value` forward, `slope` times the gradient to x backward: where the slope that Caffe uses is not the derivative. */
export const withSlope = (value: Value, x: Value, slope: Value): Value =>
  add(stopGradient(value), mul(nothing(x), stopGradient(slope)));

/** Zeros with x's gradient. */
export const nothing = (x: Value): Value => sub(x, stopGradient(x));
