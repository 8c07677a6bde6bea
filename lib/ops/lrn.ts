import { apply, type Op, type Value } from "../graph/index.js";
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
