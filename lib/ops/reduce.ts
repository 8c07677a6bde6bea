import {
  type Attribute,
  apply,
  constant,
  int64,
  type Node,
  type Op,
  sameShape,
  type TensorType,
  type Value,
} from "../graph/index.js";
import { cast, div, equal, mul } from "./elementwise.js";
import { expand, reshape } from "./shape.js";

interface ReduceAttrs {
  readonly axes: readonly number[];
  /** True if reduced axes stay, with 1. */
  readonly keepDims: boolean;
}

function reducedType({ axes, keepDims }: ReduceAttrs, x: TensorType): TensorType {
  const shape = keepDims
    ? x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim))
    : x.shape.filter((_, i) => !axes.includes(i));
  return { dtype: x.dtype, shape };
}

const keptShape = (attrs: ReduceAttrs, x: Value) => reducedType({ ...attrs, keepDims: true }, x.type).shape;

/** The ONNX call of a reduction other than ReduceSum, whose axes are an attribute until opset 18. */
const axesAsAttribute = (opType: string, { inputs, attrs }: Node<ReduceAttrs>) => ({
  opType,
  inputs,
  attributes: { axes: { ints: attrs.axes }, keepdims: flag(attrs.keepDims) },
});

/** Sum over axes. */
export const ReduceSum: Op<ReduceAttrs> = {
  name: "ReduceSum",
  arity: 1,
  infer: (attrs, x) => [reducedType(attrs, x!)],
  onnx: (node) => ({
    opType: "ReduceSum",
    inputs: [node.inputs[0]!, int64(node.attrs.axes)],
    attributes: { keepdims: flag(node.attrs.keepDims) },
  }),
  vjp: (node, dy) => {
    const x = node.inputs[0]!;
    return [expand(reshape(dy, keptShape(node.attrs, x)), x.type.shape)];
  },
};

/** Maximum over axes. The gradient is shared equally by equal maxima; no Caffe layer differentiates it. */
export const ReduceMax: Op<ReduceAttrs> = {
  name: "ReduceMax",
  arity: 1,
  infer: (attrs, x) => [reducedType(attrs, x!)],
  onnx: (node) => axesAsAttribute("ReduceMax", node),
  vjp: (node, dy) => {
    const x = node.inputs[0]!;
    const kept = keptShape(node.attrs, x);
    const hit = cast(equal(x, reshape(node.outputs[0]!, kept)), "float32");
    return [mul(hit, div(reshape(dy, kept), reduceSum(hit, node.attrs.axes, true)))];
  },
};

/** Sum of squares over axes. Nothing differentiates it. */
const ReduceSumSquare: Op<ReduceAttrs> = {
  name: "ReduceSumSquare",
  arity: 1,
  infer: (attrs, x) => [reducedType(attrs, x!)],
  onnx: (node) => axesAsAttribute("ReduceSumSquare", node),
};

/** The whole tensor repeated `repeats[i]` times along axis i. */
export const Tile: Op<{ readonly repeats: readonly number[] }> = {
  name: "Tile",
  arity: 1,
  infer: ({ repeats }, x) => [{ dtype: x!.dtype, shape: x!.shape.map((dim, i) => dim * repeats[i]!) }],
  onnx: (node) => ({ opType: "Tile", inputs: [node.inputs[0]!, int64(node.attrs.repeats)], attributes: {} }),
  vjp: (node, dy) => {
    const { shape } = node.inputs[0]!.type;
    const copies = reshape(
      dy,
      shape.flatMap((dim, i) => [node.attrs.repeats[i]!, dim]),
    );
    return [
      reshape(
        reduceSum(
          copies,
          shape.map((_, i) => 2 * i),
        ),
        shape,
      ),
    ];
  },
};

interface CumSumAttrs {
  readonly axis: number;
  /** True if an entry's own value is excluded from its sum. */
  readonly exclusive: boolean;
  /** True if sums run from the end. */
  readonly reverse: boolean;
}

/** Running sum along an axis. */
export const CumSum: Op<CumSumAttrs> = {
  name: "CumSum",
  arity: 1,
  infer: (_, x) => [x!],
  onnx: (node) => ({
    opType: "CumSum",
    inputs: [node.inputs[0]!, int64([node.attrs.axis], [])],
    attributes: { exclusive: flag(node.attrs.exclusive), reverse: flag(node.attrs.reverse) },
  }),
  vjp: (node, dy) => [cumSum(dy, { ...node.attrs, reverse: !node.attrs.reverse })],
};

const flag = (on: boolean): Attribute => ({ i: on ? 1 : 0 });

/** Sum over axes; x itself where there are none. */
export const reduceSum = (x: Value, axes: readonly number[], keepDims = false): Value =>
  axes.length === 0 ? x : apply(ReduceSum, { axes, keepDims }, x);

/** Sum of squares over axes, without a gradient. */
export const reduceSumSquare = (x: Value, axes: readonly number[], keepDims = false): Value =>
  apply(ReduceSumSquare, { axes, keepDims }, x);

/** Sum of all elements, a scalar. */
export const sumAll = (x: Value): Value =>
  reduceSum(
    x,
    x.type.shape.map((_, i) => i),
  );

/** Mean over axes. */
export function reduceMean(x: Value, axes: readonly number[], keepDims = false): Value {
  const n = axes.reduce((product, axis) => product * x.type.shape[axis]!, 1);
  return mul(reduceSum(x, axes, keepDims), constant(1 / n));
}

/** Maximum over axes. */
export const reduceMax = (x: Value, axes: readonly number[], keepDims = false): Value =>
  apply(ReduceMax, { axes, keepDims }, x);

/** x repeated along each axis. */
export const tile = (x: Value, repeats: readonly number[]): Value =>
  repeats.every((repeat) => repeat === 1) ? x : apply(Tile, { repeats }, x);

/** Running sum along an axis. */
export const cumSum = (x: Value, attrs: CumSumAttrs): Value => apply(CumSum, attrs, x);

/** Sums a gradient over the dims that broadcasting stretched, so that it has the shape of what was stretched. */
export function unbroadcast(dy: Value, shape: readonly number[]): Value {
  if (sameShape(dy.type.shape, shape)) return dy;
  const extra = dy.type.shape.length - shape.length;
  const axes = dy.type.shape.flatMap((dim, i) => (i < extra || (shape[i - extra] === 1 && dim !== 1) ? [i] : []));
  return reshape(reduceSum(dy, axes), shape);
}
