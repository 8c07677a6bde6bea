import {
  apply,
  broadcastShape,
  type Constant,
  constant,
  count,
  halfOf,
  int64,
  type Op,
  sameShape,
  type Value,
} from "../graph/index.js";

/** The same elements in row-major order under another shape. */
export const Reshape: Op<{ readonly shape: readonly number[] }> = {
  name: "Reshape",
  arity: 1,
  infer: ({ shape }, x) => {
    if (count(shape) !== count(x!.shape)) throw new Error(`[${x!.shape}] does not reshape to [${shape}]`);
    return [{ dtype: x!.dtype, shape }];
  },
  // allowzero: a dim of 0 means 0, not "as the input has it".
  onnx: (node) => ({
    opType: "Reshape",
    inputs: [node.inputs[0]!, int64(node.attrs.shape)],
    attributes: { allowzero: { i: 1 } },
  }),
  vjp: (node, dy) => [reshape(dy, node.inputs[0]!.type.shape)],
};

/** Axes permuted: output axis i is input axis perm[i]. */
export const Transpose: Op<{ readonly perm: readonly number[] }> = {
  name: "Transpose",
  arity: 1,
  infer: ({ perm }, x) => [{ dtype: x!.dtype, shape: perm.map((axis) => x!.shape[axis]!) }],
  onnx: (node) => ({ opType: "Transpose", inputs: node.inputs, attributes: { perm: { ints: node.attrs.perm } } }),
  vjp: (node, dy) => [
    transpose(
      dy,
      node.attrs.perm.map((_, axis) => node.attrs.perm.indexOf(axis)),
    ),
  ],
};

/** Broadcast to a shape. Its gradient is dy: the reverse walk sums what was stretched. */
export const Expand: Op<{ readonly shape: readonly number[] }> = {
  name: "Expand",
  arity: 1,
  infer: ({ shape }, x) => [{ dtype: x!.dtype, shape: broadcastShape(x!.shape, shape) }],
  onnx: (node) => ({ opType: "Expand", inputs: [node.inputs[0]!, int64(node.attrs.shape)], attributes: {} }),
  vjp: (_, dy) => [dy],
};

/** Tensors joined along an axis. */
export const Concat: Op<{ readonly axis: number }> = {
  name: "Concat",
  arity: [1, Number.POSITIVE_INFINITY],
  infer: ({ axis }, ...inputs) => {
    const shape = [...inputs[0]!.shape];
    shape[axis] = inputs.reduce((sum, { shape }) => sum + shape[axis]!, 0);
    return [{ dtype: inputs[0]!.dtype, shape }];
  },
  onnx: (node) => ({ opType: "Concat", inputs: node.inputs, attributes: { axis: { i: node.attrs.axis } } }),
  vjp: (node, dy) => {
    let start = 0;
    return node.inputs.map(({ type }) => {
      const end = start + type.shape[node.attrs.axis]!;
      const part = slice(dy, node.attrs.axis, start, end);
      start = end;
      return part;
    });
  },
};

/** Range of Slice on one axis: from `start` to before `end`, every `step`-th. Steps are positive. */
export interface AxisSlice {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** Part of a tensor along some axes. */
export const Slice: Op<readonly AxisSlice[]> = {
  name: "Slice",
  arity: 1,
  infer: (parts, x) => {
    const shape = [...x!.shape];
    for (const { axis, start, end, step } of parts) shape[axis] = Math.max(0, Math.ceil((end - start) / step));
    return [{ dtype: x!.dtype, shape }];
  },
  onnx: (node) => {
    const column = (key: keyof AxisSlice) => int64(node.attrs.map((part) => part[key]));
    return {
      opType: "Slice",
      inputs: [node.inputs[0]!, column("start"), column("end"), column("axis"), column("step")],
      attributes: {},
    };
  },
  vjp: (node, dy) => {
    const { shape } = node.inputs[0]!.type;
    const pads = shape.map(() => [0, 0] as [number, number]);
    let spread = dy;
    for (const { axis, start, step } of node.attrs) {
      spread = interleaveZeros(spread, axis, step);
      pads[axis] = [start, shape[axis]! - start - spread.type.shape[axis]!];
    }
    return [pad(spread, pads)];
  },
};

/** dims [before, after] added to every axis, filled with a constant. Negative pads crop. */
export const Pad: Op<{ readonly pads: readonly (readonly [before: number, after: number])[]; readonly value: number }> =
  {
    name: "Pad",
    arity: 1,
    infer: ({ pads }, x) => [{ dtype: x!.dtype, shape: x!.shape.map((dim, i) => dim + pads[i]![0] + pads[i]![1]) }],
    onnx: (node) => ({
      opType: "Pad",
      inputs: [
        node.inputs[0]!,
        int64([...node.attrs.pads.map(([before]) => before), ...node.attrs.pads.map(([, after]) => after)]),
        scalarLike(node.inputs[0]!, node.attrs.value),
      ],
      attributes: {},
    }),
    vjp: (node, dy) => [
      pad(
        dy,
        node.attrs.pads.map(([before, after]) => [-before, -after]),
      ),
    ],
  };

/** The greatest number of half precision. */
const HALF_MAX = 65504;

function scalarLike(x: Value, value: number): Constant {
  switch (x.type.dtype) {
    case "float32":
      return { dtype: "float32", shape: [], data: Float32Array.of(value) };
    case "int64":
      return { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(value)) };
    case "float16":
      return {
        dtype: "float16",
        shape: [],
        data: Uint16Array.of(halfOf(Math.max(-HALF_MAX, Math.min(HALF_MAX, value)))),
      };
    default:
      throw new Error(`no pad value of type ${x.type.dtype}`);
  }
}

/** x under another shape; x itself where it has that shape. */
export const reshape = (x: Value, shape: readonly number[]): Value =>
  sameShape(x.type.shape, shape) ? x : apply(Reshape, { shape }, x);

/** x with its axes permuted; x itself for the identity. */
export const transpose = (x: Value, perm: readonly number[]): Value =>
  perm.every((axis, i) => axis === i) ? x : apply(Transpose, { perm }, x);

/** x broadcast to a shape; x itself where it has that shape. */
export const expand = (x: Value, shape: readonly number[]): Value =>
  sameShape(x.type.shape, shape) ? x : apply(Expand, { shape }, x);

/** Zeros, made at run time so that no file holds them. */
export const zeros = (shape: readonly number[]): Value => expand(constant(0), shape);

/** Inputs of one Concat at most: a layer may have a million bottoms, and the call of a function has no room for as many arguments. */
const JOINED_AT_ONCE = 10_000;

/** Values joined along an axis; the value itself where there is one. */
export function concat(values: readonly Value[], axis: number): Value {
  if (values.length === 1) return values[0]!;
  if (values.length <= JOINED_AT_ONCE) return apply(Concat, { axis }, ...values);
  const parts: Value[] = [];
  for (let at = 0; at < values.length; at += JOINED_AT_ONCE)
    parts.push(concat(values.slice(at, at + JOINED_AT_ONCE), axis));
  return concat(parts, axis);
}

/** x from `start` to before `end` along one axis. */
export function slice(x: Value, axis: number, start: number, end: number, step = 1): Value {
  if (start === 0 && end === x.type.shape[axis] && step === 1) return x;
  return apply(Slice, [{ axis, start, end, step }], x);
}

/** x padded (or, by negative numbers, cropped) by [before, after] on every axis. */
export function pad(x: Value, pads: readonly (readonly [number, number])[], value = 0): Value {
  if (pads.every(([before, after]) => before === 0 && after === 0)) return x;
  return apply(Pad, { pads, value }, x);
}

/** x with `step - 1` zeros between its entries along an axis: n entries become (n - 1) * step + 1. */
export function interleaveZeros(x: Value, axis: number, step: number): Value {
  const { shape } = x.type;
  const dim = shape[axis]!;
  if (step === 1 || dim === 0) return x;
  const split = [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)];
  const padded = pad(
    reshape(x, split),
    split.map((_, i) => [0, i === axis + 1 ? step - 1 : 0]),
  );
  const merged = [...shape.slice(0, axis), dim * step, ...shape.slice(axis + 1)];
  return slice(reshape(padded, merged), axis, 0, (dim - 1) * step + 1);
}
