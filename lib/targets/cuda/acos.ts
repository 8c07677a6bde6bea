import { constant, type Value } from "../../graph/index.js";
import { abs, add, less, mul, sqrt, sub, where } from "../../ops/index.js";

/** Coefficients from the highest power down. Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 4.4.46. */
const COEFFICIENTS = [
  -0.0012624911, 0.0066700901, -0.0170881256, 0.030891881, -0.0501743046, 0.0889789874, -0.2145988016, 1.570796305,
];

/**
 * Arc cosine by a polynomial, with an error below 2e-8 before rounding: sqrt(1 - |x|) * p(|x|), and pi less that where x < 0.
 * x in [-1, 1], of any shape. onnxruntime has no kernel of Acos for CUDA: x would go down, and the angle up.
 */
export function acosByPolynomial(x: Value): Value {
  const size = abs(x);
  const [first, ...rest] = COEFFICIENTS.map((value) => constant(value));
  const sum = rest.reduce<Value>((total, each) => add(mul(total, size), each), first!);
  const angle = mul(sqrt(sub(constant(1), size)), sum);
  return where(less(x, constant(0)), sub(constant(Math.PI), angle), angle);
}
