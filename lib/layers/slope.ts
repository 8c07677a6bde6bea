import { constant, type Value } from "../graph/index.js";
import { max, mul, stopGradient, sub, withGradientOf } from "../ops/index.js";

/** `value` forward and x's gradient backward: where Caffe's backward looks past a clamp or a rounding of its forward. */
export const passThrough = (value: Value, x: Value): Value => withGradientOf(value, x);

/** log of the smallest normal float: Caffe takes the log of max(p, FLT_MIN). */
const LOG_FLT_MIN = Math.log(1.1754943508222875e-38);

/** Logarithms of probabilities as Caffe's losses take them, clamped; the gradient is not: its backward never looks at the log. */
export const clampedLog = (logProb: Value): Value => passThrough(max(logProb, constant(LOG_FLT_MIN)), logProb);

/** `value` forward, `slope` times the gradient to x backward: where the slope that Caffe uses is not the derivative. */
export const withSlope = (value: Value, x: Value, slope: Value): Value =>
  withGradientOf(value, mul(x, stopGradient(slope)));

/** Zeros with x's gradient. */
export const nothing = (x: Value): Value => sub(x, stopGradient(x));
