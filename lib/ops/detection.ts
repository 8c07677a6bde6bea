import { apply, constant, constantOf, int64, type Op, type Value } from "../graph/index.js";
import { gather, gatherElements } from "./indexing.js";
import { matMul } from "./linear.js";
import { zeros } from "./shape.js";

/** Boxes of a detector: [n, boxes, 4] as (x1, y1, x2, y2), scores [n, classes, boxes]. */
interface NmsAttrs {
  /** Most boxes to select of each class. */
  readonly most: number;
  /** Boxes that overlap a better one by more than this (intersection over union) go. */
  readonly overlap: number;
  /** Only boxes with a greater score count. */
  readonly score: number;
  /** Number of boxes the data lets it select. */
  readonly selected: number;
}

/** Picks boxes by score and drops those that overlap a better one: int64 [selected, 3] of (item, class, box), scores falling within a class. */
export const NonMaxSuppression: Op<NmsAttrs> = {
  name: "NonMaxSuppression",
  arity: 2,
  infer: ({ selected }) => [{ dtype: "int64", shape: [selected, 3] }],
  onnx: ({ attrs, inputs }) => ({
    opType: "NonMaxSuppression",
    inputs: [
      ...inputs,
      int64([attrs.most]),
      { dtype: "float32", shape: [1], data: Float32Array.of(attrs.overlap) },
      { dtype: "float32", shape: [1], data: Float32Array.of(attrs.score) },
    ],
    attributes: {},
  }),
};

/** Number of entries of axis 0, int64 [1], as it is when the model runs. */
export function lengthOf(x: Value): Value {
  return apply(GatherFirst, null, apply(Shape, null, x));
}

/** The dims of a tensor when the model runs, int64. */
export const Shape: Op<null> = {
  name: "Shape",
  arity: 1,
  infer: (_, x) => [{ dtype: "int64", shape: [x!.shape.length] }],
  onnx: (node) => ({ opType: "Shape", inputs: node.inputs, attributes: {} }),
};

/** The first entry of a vector, [1]. */
const GatherFirst: Op<null> = {
  name: "GatherFirst",
  arity: 1,
  infer: (_, x) => [{ dtype: x!.dtype, shape: [1] }],
  onnx: (node) => ({ opType: "Gather", inputs: [node.inputs[0]!, int64([0])], attributes: { axis: { i: 0 } } }),
};

/** The same elements with axes of 1 put in at these places of the result. */
export const Unsqueeze: Op<{ readonly axes: readonly number[] }> = {
  name: "Unsqueeze",
  arity: 1,
  infer: ({ axes }, x) => {
    const shape = [...x!.shape];
    for (const axis of axes) shape.splice(axis, 0, 1);
    return [{ dtype: x!.dtype, shape }];
  },
  onnx: ({ attrs, inputs }) => ({ opType: "Unsqueeze", inputs: [inputs[0]!, int64(attrs.axes)], attributes: {} }),
};

interface DynamicAttrs {
  /** Number of entries the data lets it have. */
  readonly size: number;
}

/** The first entries along axis 0, as many as the int64 [1] of input 1 says. */
export const FirstOf: Op<DynamicAttrs> = {
  name: "FirstOf",
  arity: 2,
  infer: ({ size }, x) => [{ dtype: x!.dtype, shape: [size, ...x!.shape.slice(1)] }],
  onnx: ({ inputs }) => ({
    opType: "Slice",
    inputs: [inputs[0]!, int64([0]), inputs[1]!, int64([0])],
    attributes: {},
  }),
};

/**
 * x with entries replaced: y[...][indices[i]] = updates[i] along an axis. Of equal indices the last counts, and the gradient of the
 * entry goes to each of them, as in SegNet's unpooling.
 */
export const ScatterElements: Op<{ readonly axis: number }> = {
  name: "ScatterElements",
  arity: 3,
  infer: (_, x) => [x!],
  onnx: ({ attrs, inputs }) => ({ opType: "ScatterElements", inputs, attributes: { axis: { i: attrs.axis } } }),
  vjp: ({ attrs, inputs }, dy) => {
    const [, indices, updates] = inputs as [Value, Value, Value];
    return [scatter(dy, indices, zeros(updates.type.shape), attrs.axis), null, gatherElements(dy, indices, attrs.axis)];
  },
};

/** Places of the entries of a tensor that are not 0: int64 [axes, found], in row-major order. */
export const NonZero: Op<DynamicAttrs> = {
  name: "NonZero",
  arity: 1,
  infer: ({ size }, x) => [{ dtype: "int64", shape: [x!.shape.length, size] }],
  onnx: ({ inputs }) => ({ opType: "NonZero", inputs, attributes: {} }),
};

/** y[i] = x[indices[i][0], indices[i][1], ...]: int64 indices [n, k] over the first k axes of x. */
export const GatherNd: Op<null> = {
  name: "GatherND",
  arity: 2,
  infer: (_, x, indices) => [{ dtype: x!.dtype, shape: [indices!.shape[0]!, ...x!.shape.slice(indices!.shape[1]!)] }],
  onnx: ({ inputs }) => ({ opType: "GatherND", inputs, attributes: {} }),
};

/** x with y[indices[i][0], indices[i][1], ...] = updates[i]. No two indices may be the same. */
export const ScatterNd: Op<null> = {
  name: "ScatterND",
  arity: 3,
  infer: (_, x) => [x!],
  onnx: ({ inputs }) => ({ opType: "ScatterND", inputs, attributes: {} }),
};

interface ResizeAttrs {
  readonly mode: "nearest" | "linear";
  /** Height and width of the result. */
  readonly size: readonly [height: number, width: number];
}

/**
 * Resizes the last two axes of [n,c,h,w]: "nearest" repeats entries, "linear" interpolates with the corners in place.
 */
export const Resize: Op<ResizeAttrs> = {
  name: "Resize",
  arity: 1,
  infer: ({ size }, x) => [{ dtype: x!.dtype, shape: [...x!.shape.slice(0, 2), ...size] }],
  onnx: ({ attrs: { mode, size }, inputs }) => {
    const [h, w] = inputs[0]!.type.shape.slice(2) as [number, number];
    // Sizes are rounded down from scales; corners in place need nothing of a scale but that size.
    const slack = mode === "linear" ? 0.5 : 0;
    const scales = Float32Array.of(1, 1, (size[0] + slack) / h, (size[1] + slack) / w);
    const nearest = { nearest_mode: { s: "floor" } } as const;
    return {
      opType: "Resize",
      inputs: [inputs[0]!, null, { dtype: "float32", shape: [4], data: scales }],
      attributes: {
        mode: { s: mode },
        coordinate_transformation_mode: { s: mode === "linear" ? "align_corners" : "asymmetric" },
        ...(mode === "nearest" && nearest),
      },
    };
  },
  // Every row of the result is a mixture of rows, and every column of columns: the gradient mixes the other way.
  vjp: ({ attrs: { mode, size }, inputs }, dy) => {
    const [h, w] = inputs[0]!.type.shape.slice(2) as [number, number];
    const rows = constant(shares(mode, h, size[0], true), [h, size[0]]);
    return [matMul(matMul(rows, dy), constant(shares(mode, w, size[1], false), [size[1], w]))];
  },
};

/** Weights of each of `from` entries of an axis in each of `to` resized ones: [to, from], or [from, to] where `transposed`. */
function shares(mode: ResizeAttrs["mode"], from: number, to: number, transposed: boolean): Float32Array {
  const matrix = new Float32Array(from * to);
  const put = (i: number, j: number, share: number) => {
    matrix[transposed ? j * to + i : i * from + j]! += share;
  };
  for (let i = 0; i < to; i++) {
    // In the arithmetic of the runtime: an entry on an edge falls on the same side.
    const scale = Math.fround(to / from);
    const place = mode === "nearest" ? Math.floor(Math.fround(i / scale)) : to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    const low = Math.min(from - 1, Math.floor(place));
    put(i, low, 1 - (place - low));
    if (place > low) put(i, Math.min(from - 1, low + 1), place - low);
  }
  return matrix;
}

export const nonMaxSuppression = (boxes: Value, scores: Value, attrs: NmsAttrs): Value =>
  apply(NonMaxSuppression, attrs, boxes, scores);
export const unsqueeze = (x: Value, axes: readonly number[]): Value => apply(Unsqueeze, { axes }, x);
/** Indices of a vector's entries other than 0, int64 [size]. */
export const placesOf = (x: Value, size: number): Value =>
  gather(apply(NonZero, { size }, x), constantOf("int64", BigInt64Array.of(0n), []), 0);
export const gatherNd = (x: Value, indices: Value): Value => apply(GatherNd, null, x, indices);
export const scatterNd = (x: Value, indices: Value, updates: Value): Value =>
  apply(ScatterNd, null, x, indices, updates);
export const firstOf = (x: Value, end: Value, size: number): Value => apply(FirstOf, { size }, x, end);
export const scatter = (x: Value, indices: Value, updates: Value, axis: number): Value =>
  apply(ScatterElements, { axis }, x, indices, updates);
export const resize = (x: Value, attrs: ResizeAttrs): Value => apply(Resize, attrs, x);
