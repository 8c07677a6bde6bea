import { apply, type Attribute, type Op, sameShape, type TensorType, type Value } from "../graph/index.js";

/** An op for inference alone, whose first output has its first input's type. */
function likeFirst<A>(name: string, arity: Op["arity"], attributes: (attrs: A) => Record<string, Attribute>): Op<A> {
  return {
    name,
    arity,
    infer: (_, x) => [x!],
    onnx: (node) => ({ opType: name, inputs: node.inputs, attributes: attributes(node.attrs) }),
  };
}

/** y = scale * (x - mean) / sqrt(variance + epsilon) + bias by channel. Inputs x [n,c,...], scale, bias, mean, variance [c]. */
export const BatchNormalization: Op<{ readonly epsilon: number }> = likeFirst(
  "BatchNormalization",
  5,
  ({ epsilon }) => ({ epsilon: { f: epsilon } }),
);

interface LrnAttrs {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

/** x / (bias + alpha/size * sum of squares of `size` channels around)^beta. x [n,c,...]. */
export const LRN: Op<LrnAttrs> = likeFirst("LRN", 1, ({ size, alpha, beta, bias }) => ({
  size: { i: size },
  alpha: { f: alpha },
  beta: { f: beta },
  bias: { f: bias },
}));

function globalPool(name: string): Op<null> {
  return {
    name,
    arity: 1,
    infer: (_, x) => [{ dtype: x!.dtype, shape: x!.shape.map((dim, i) => (i < 2 ? dim : 1)) }],
    onnx: (node) => ({ opType: name, inputs: node.inputs, attributes: {} }),
  };
}

/** Mean of each plane: [n,c,...] to [n,c,1...]. */
export const GlobalAveragePool = globalPool("GlobalAveragePool");
/** Maximum of each plane: [n,c,...] to [n,c,1...]. */
export const GlobalMaxPool = globalPool("GlobalMaxPool");

/** Batch normalisation with given statistics. */
export const batchNormalization = (x: Value, [scale, bias, mean, variance]: readonly Value[], epsilon: number): Value =>
  apply(BatchNormalization, { epsilon }, x, scale!, bias!, mean!, variance!);
/** Whether two types are the same. */
export const sameType = (a: TensorType, b: TensorType): boolean => a.dtype === b.dtype && sameShape(a.shape, b.shape);
