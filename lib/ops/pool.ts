import { type Attribute, apply, applyAll, count, type Op, type Value } from "../graph/index.js";
import { scatterAdd } from "./indexing.js";
import { interleaveZeros, pad, reshape, zeros } from "./shape.js";

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
  vjp: (node, dy) => {
    const { shape } = node.inputs[0]!.type;
    const flat = [count(dy.type.shape)];
    const dx = scatterAdd(zeros([count(shape)]), reshape(node.outputs[1]!, flat), reshape(dy, flat), 0);
    return [reshape(dx, shape)];
  },
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
  vjp: (node, dy) => {
    // Every input gets dy/k of each window over it: dy spread out by the strides, averaged by the same windows.
    const { kernel, strides, pads } = node.attrs;
    const { shape } = node.inputs[0]!.type;
    let spread = dy;
    kernel.forEach((_, i) => {
      spread = interleaveZeros(spread, i + 2, strides[i]!);
    });
    const before = kernel.map((k, i) => k - 1 - pads[i]![0]);
    const after = kernel.map((_, i) => shape[i + 2]! + pads[i]![0] - spread.type.shape[i + 2]!);
    // Input rows that no window reaches are added behind the pooling, whose pads must stay below the kernel.
    const reached = kernel.map((k, i) => [before[i]!, Math.min(k - 1, after[i]!)] as const);
    const dx = averagePool(spread, { kernel, strides: kernel.map(() => 1), pads: reached });
    return [
      pad(
        dx,
        shape.map((dim, i) => [0, dim - dx.type.shape[i]!]),
      ),
    ];
  },
};

/** Maximum of each window and its int64 offset in x. */
export const maxPool = (x: Value, attrs: PoolAttrs) => {
  const [y, indices] = applyAll(MaxPool, attrs, x);
  return { y: y!, indices: indices! };
};

/** Mean of each window, padding counted as zeros. */
export const averagePool = (x: Value, attrs: PoolAttrs): Value => apply(AveragePool, attrs, x);
