import { type Attribute, apply, broadcastShape, constant, type Op, sameShape, type Value } from "../graph/index.js";
import { add, and, cast, greater, greaterOrEqual, less, min, mul, not, where } from "./elementwise.js";

interface AlphaAttrs {
  readonly alpha: number;
}

/** An op whose slope is 1 above 0, and at and below it what `slope` says. */
function bent(name: string, slope: (alpha: number, y: Value) => Value): Op<AlphaAttrs> {
  return {
    name,
    arity: 1,
    infer: (_, x) => [x!],
    onnx: (node) => {
      const alpha: Attribute = { f: node.attrs.alpha };
      return { opType: name, inputs: node.inputs, attributes: { alpha } };
    },
    vjp: (node, dy) => {
      const above = greater(node.inputs[0]!, constant(0));
      return [mul(dy, where(above, constant(1), slope(node.attrs.alpha, node.outputs[0]!)))];
    },
  };
}

/** x where x >= 0, else alpha * x. The gradient at 0 is alpha, as in Caffe. */
export const LeakyRelu: Op<AlphaAttrs> = bent("LeakyRelu", (alpha) => constant(alpha));

/** x where x >= 0, else alpha * (exp(x) - 1). The gradient at 0 is alpha, as in Caffe. */
export const Elu: Op<AlphaAttrs> = bent("Elu", (alpha, y) => add(y, constant(alpha)));

/** x where x >= 0, else slope * x; the slope stretches to x's shape. The gradient at 0 is the slope, as in Caffe. */
export const PRelu: Op<null> = {
  name: "PRelu",
  arity: 2,
  infer: (_, x, slope) => {
    if (!sameShape(broadcastShape(x!.shape, slope!.shape), x!.shape))
      throw new Error(`PRelu of [${x!.shape}] with slopes [${slope!.shape}]`);
    return [x!];
  },
  onnx: (node) => ({ opType: "PRelu", inputs: node.inputs, attributes: {} }),
  vjp: (node, dy) => {
    const [x, slope] = node.inputs as [Value, Value];
    const above = greater(x, constant(0));
    return [mul(dy, where(above, constant(1), slope)), mul(dy, min(x, constant(0)))];
  },
};

/** x kept within the scalars of inputs 1 and 2, the first not above the second. The gradient passes at both ends, as in Caffe. */
export const Clip: Op<null> = {
  name: "Clip",
  arity: 3,
  infer: (_, x) => [x!],
  onnx: (node) => ({ opType: "Clip", inputs: node.inputs, attributes: {} }),
  vjp: (node, dy) => {
    const [x, low, high] = node.inputs as [Value, Value, Value];
    const inside = and(greaterOrEqual(x, low), not(less(high, x)));
    return [mul(dy, cast(inside, "float32")), null, null];
  },
};

export const leakyRelu = (x: Value, alpha: number): Value => apply(LeakyRelu, { alpha }, x);
export const elu = (x: Value, alpha: number): Value => apply(Elu, { alpha }, x);
export const prelu = (x: Value, slope: Value): Value => apply(PRelu, null, x, slope);
/** x kept within [low, high]. */
export const clip = (x: Value, low: number, high: number): Value => apply(Clip, null, x, constant(low), constant(high));
