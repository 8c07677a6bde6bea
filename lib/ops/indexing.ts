import { apply, applyAll, constantOf, int64, type Op, type Value } from "../graph/index.js";
import { expand, reshape, zeros } from "./shape.js";

/** Rows of x (entries along `axis`) picked by an int64 tensor of any shape, whose dims take the axis's place. */
export const Gather: Op<{ readonly axis: number }> = {
  name: "Gather",
  arity: 2,
  infer: ({ axis }, x, indices) => [
    { dtype: x!.dtype, shape: [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)] },
  ],
  onnx: (node) => ({ opType: "Gather", inputs: node.inputs, attributes: { axis: { i: node.attrs.axis } } }),
  vjp: (node, dy) => {
    const [x, indices] = node.inputs as [Value, Value];
    const { axis } = node.attrs;
    const { shape } = x.type;
    const n = indices.type.shape.reduce((a, b) => a * b, 1);
    const flat = [...shape.slice(0, axis), n, ...shape.slice(axis + 1)];
    const along = reshape(indices, [n, ...shape.slice(axis + 1).map(() => 1)]);
    return [scatterAdd(zeros(shape), expand(along, flat), reshape(dy, flat), axis), null];
  },
};

/** y[i][j] = x[indices[i][j]][j] for axis 0, and so on: indices have y's shape. */
export const GatherElements: Op<{ readonly axis: number }> = {
  name: "GatherElements",
  arity: 2,
  infer: (_, x, indices) => [{ dtype: x!.dtype, shape: indices!.shape }],
  onnx: (node) => ({ opType: "GatherElements", inputs: node.inputs, attributes: { axis: { i: node.attrs.axis } } }),
  vjp: (node, dy) => {
    const [x, indices] = node.inputs as [Value, Value];
    return [scatterAdd(zeros(x.type.shape), indices, dy, node.attrs.axis), null];
  },
};

/** x with updates added at indices along an axis; equal indices add up. */
export const ScatterElementsAdd: Op<{ readonly axis: number }> = {
  name: "ScatterElementsAdd",
  arity: 3,
  infer: (_, x) => [x!],
  onnx: (node) => ({
    opType: "ScatterElements",
    inputs: node.inputs,
    attributes: { axis: { i: node.attrs.axis }, reduction: { s: "add" } },
  }),
  vjp: (node, dy) => [dy, null, gatherElements(dy, node.inputs[1]!, node.attrs.axis)],
};

/** The k greatest entries along an axis, in falling order, and their indices; the first of equals comes first. */
export const TopK: Op<{ readonly axis: number; readonly k: number }> = {
  name: "TopK",
  arity: 1,
  infer: ({ axis, k }, x) => {
    const shape = x!.shape.map((dim, i) => (i === axis ? k : dim));
    return [
      { dtype: x!.dtype, shape },
      { dtype: "int64", shape },
    ];
  },
  onnx: (node) => ({
    opType: "TopK",
    inputs: [node.inputs[0]!, int64([node.attrs.k])],
    attributes: { axis: { i: node.attrs.axis } },
  }),
  vjp: (node, dy) => [scatterAdd(zeros(node.inputs[0]!.type.shape), node.outputs[1]!, dy, node.attrs.axis)],
};

/** Entries of x along an axis at the given int64 indices. */
export const gather = (x: Value, indices: Value, axis: number): Value => apply(Gather, { axis }, x, indices);
/** One entry of x for each index, the index replacing the coordinate of one axis. */
export const gatherElements = (x: Value, indices: Value, axis: number): Value =>
  apply(GatherElements, { axis }, x, indices);
/** x with updates added at indices along an axis. */
export const scatterAdd = (x: Value, indices: Value, updates: Value, axis: number): Value =>
  apply(ScatterElementsAdd, { axis }, x, indices, updates);
/** The k greatest entries along an axis and their indices. */
export const topK = (x: Value, axis: number, k: number) => {
  const [values, indices] = applyAll(TopK, { axis, k }, x);
  return { values: values!, indices: indices! };
};

/** x with the entries along an axis from the last to the first. */
export function reverse(x: Value, axis: number): Value {
  const dim = x.type.shape[axis]!;
  const backwards = BigInt64Array.from({ length: dim }, (_, i) => BigInt(dim - 1 - i));
  return gather(x, constantOf("int64", backwards, [dim]), axis);
}
