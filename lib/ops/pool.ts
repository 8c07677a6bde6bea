import { type Attribute, apply, applyAll, type Op, type Value } from "../graph/index.js";
import { meaning } from "./meaning.js";

/** Geometry of a pooling over the axes after channels; pads are [before, after] and smaller than the kernel. */
export interface PoolAttrs {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly (readonly [before: number, after: number])[];
}

function pooledShape({ kernel, strides, pads }: PoolAttrs, shape: readonly number[]): readonly number[] {
  const spatial = kernel.map((k, i) => Math.floor((shape[i + 2]! + pads[i]![0] + pads[i]![1] - k) / strides[i]!) + 1);
  return [shape[0]!, shape[1]!, ...spatial];
}

const poolAttributes = ({ kernel, strides, pads }: PoolAttrs): Record<string, Attribute> => ({
  kernel_shape: { ints: kernel },
  strides: { ints: strides },
  pads: { ints: [...pads.map(([before]) => before), ...pads.map(([, after]) => after)] },
});

/**
 * Maximum of each window, and where it was: int64 offsets into the whole tensor, row-major.
 * The first of equal maxima wins, in row order, as in Caffe (onnxruntime's CPU provider scans so too). Padding never wins.
 */
export const MaxPool: Op<PoolAttrs> = {
  name: "MaxPool",
  arity: 1,
  infer: (attrs, x) => {
    const shape = pooledShape(attrs, x!.shape);
    return [
      { dtype: x!.dtype, shape },
      { dtype: "int64", shape },
    ];
  },
  onnx: (node) => ({
    opType: "MaxPool",
    inputs: node.inputs,
    attributes: poolAttributes(node.attrs),
    optionalFrom: 1,
  }),
  vjp: (node, dy) => [apply(MaxPoolGrad, node.attrs, node.inputs[0]!, dy, node.outputs[1]!)],
};

/** Mean of each window, padding counted as zeros. */
export const AveragePool: Op<PoolAttrs> = {
  name: "AveragePool",
  arity: 1,
  infer: (attrs, x) => [{ dtype: x!.dtype, shape: pooledShape(attrs, x!.shape) }],
  onnx: (node) => ({
    opType: "AveragePool",
    inputs: node.inputs,
    attributes: { ...poolAttributes(node.attrs), count_include_pad: { i: 1 } },
  }),
  vjp: (node, dy) => [apply(AveragePoolGrad, { ...node.attrs, shape: node.inputs[0]!.type.shape }, dy)],
};

/** The gradient of MaxPool: x, dy and the windows' indices to dx of x's shape. A formulation that compares needs no indices. */
export const MaxPoolGrad = meaning<PoolAttrs>("MaxPoolGrad", 3, (_, x) => [x!]);

/** A pooling with the shape of its input. */
export interface PoolGradAttrs extends PoolAttrs {
  readonly shape: readonly number[];
}

/** The gradient of AveragePool: dy to dx of the shape in the attributes. */
export const AveragePoolGrad = meaning<PoolGradAttrs>("AveragePoolGrad", 1, ({ shape }, dy) => [
  { dtype: dy!.dtype, shape },
]);

/** Maximum of each window and its int64 offset in x. */
export const maxPool = (x: Value, attrs: PoolAttrs) => {
  const [y, indices] = applyAll(MaxPool, attrs, x);
  return { y: y!, indices: indices! };
};

/** Mean of each window, padding counted as zeros. */
export const averagePool = (x: Value, attrs: PoolAttrs): Value => apply(AveragePool, attrs, x);
