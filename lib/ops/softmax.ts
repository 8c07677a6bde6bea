import { apply, type Op, type Value } from "../graph/index.js";
import { exp, mul, sub } from "./elementwise.js";
import { reduceSum } from "./reduce.js";

interface AxisAttrs {
  readonly axis: number;
}

/** exp(x) / sum of exp(x) along an axis, without overflow. */
export const Softmax: Op<AxisAttrs> = {
  name: "Softmax",
  arity: 1,
  infer: (_, x) => [x!],
  onnx: (node) => ({ opType: "Softmax", inputs: node.inputs, attributes: { axis: { i: node.attrs.axis } } }),
  vjp: (node, dy) => {
    const y = node.outputs[0]!;
    return [mul(y, sub(dy, reduceSum(mul(dy, y), [node.attrs.axis], true)))];
  },
};

/** log(softmax(x)) along an axis, exact where softmax underflows. */
export const LogSoftmax: Op<AxisAttrs> = {
  name: "LogSoftmax",
  arity: 1,
  infer: (_, x) => [x!],
  onnx: (node) => ({ opType: "LogSoftmax", inputs: node.inputs, attributes: { axis: { i: node.attrs.axis } } }),
  vjp: (node, dy) => {
    const y = node.outputs[0]!;
    return [sub(dy, mul(exp(y), reduceSum(dy, [node.attrs.axis], true)))];
  },
};

export const softmax = (x: Value, axis: number): Value => apply(Softmax, { axis }, x);
export const logSoftmax = (x: Value, axis: number): Value => apply(LogSoftmax, { axis }, x);
