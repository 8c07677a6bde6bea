import { apply, constant, type Op, type Value } from "../graph/index.js";
import { div, mul, pow, sqrt } from "./elementwise.js";
import { meaning } from "./meaning.js";

/** Attributes of ONNX's LRN. */
export interface LrnAttrs {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

/** x / (bias + alpha/size * sum of squares of `size` channels around)^beta. x [n,c,...]. */
export const LRN: Op<LrnAttrs> = {
  name: "LRN",
  arity: 1,
  infer: (_, x) => [x!],
  onnx: ({ inputs, attrs: { size, alpha, beta, bias } }) => ({
    opType: "LRN",
    inputs,
    attributes: { size: { i: size }, alpha: { f: alpha }, beta: { f: beta }, bias: { f: bias } },
  }),
  vjp: ({ inputs, attrs }, dy) => [apply(LRNGrad, attrs, inputs[0]!, dy)],
};

/** The gradient of LRN: x and dy to dx. */
export const LRNGrad = meaning<LrnAttrs>("LRNGrad", 2, (_, x) => [x!]);

/** Local response normalisation across channels. */
export const lrn = (x: Value, attrs: LrnAttrs): Value => apply(LRN, attrs, x);

/** x / base^beta, entry by entry, of one shape; roots where they do, since Pow takes several times as long. */
export function divideByPower(x: Value, base: Value, beta: number): Value {
  if (beta === 0.75) {
    const root = sqrt(base);
    return div(x, mul(root, sqrt(root)));
  }
  if (beta === 0.5) return div(x, sqrt(base));
  if (beta === 1) return div(x, base);
  return mul(x, pow(base, constant(-beta)));
}
