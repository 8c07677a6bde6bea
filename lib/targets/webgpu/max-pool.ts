import { apply, constant, constantOf, type Value } from "../../graph/index.js";
import {
  add,
  cast,
  ConvTranspose,
  concat,
  equal,
  expand,
  maxPool,
  mul,
  type PoolAttrs,
  pad,
  reshape,
  slice,
  sub,
  where,
} from "../../ops/index.js";

/** Below every float of a net, so that padding wins nowhere. */
const LOWEST = -3.4028234663852886e38;

const NONE: readonly [number, number] = [0, 0];

/** Windows along one axis of [n, c, h, w]: 2 for rows, 3 for columns. */
interface Line {
  readonly axis: 2 | 3;
  readonly kernel: number;
  readonly stride: number;
  readonly pads: readonly [before: number, after: number];
}

const linesOf = ({ kernel, strides, pads }: PoolAttrs): readonly [rows: Line, columns: Line] => {
  const line = (i: 0 | 1, axis: 2 | 3): Line => ({ axis, kernel: kernel[i]!, stride: strides[i]!, pads: pads[i]! });
  return [line(0, 2), line(1, 3)];
};

/** Tests whether windows are two-dimensional, as all of Caffe's are. */
export const isPlanar = ({ kernel }: PoolAttrs): boolean => kernel.length === 2;

/** The pooling of each row of the windows; pooling its result along the other axis is the whole pooling. */
function pooledInRows(x: Value, attrs: PoolAttrs): Value {
  const { kernel, strides, pads } = attrs;
  return maxPool(x, { kernel: [1, kernel[1]!], strides: [1, strides[1]!], pads: [NONE, pads[1]!] }).y;
}

/**
 * The gradient of max pooling x [n, c, h, w] to y, from comparisons: onnxruntime's WebGPU provider has no indices of maxima. The first
 * row of a window that has its maximum gets dy, and in that row the first entry that has it: the first maximum in row order, as in Caffe.
 */
export function maxPoolGradientByMask(x: Value, y: Value, dy: Value, attrs: PoolAttrs): Value {
  const inRows = pooledInRows(x, attrs);
  const [rows, columns] = linesOf(attrs);
  return alongLine(x, inRows, alongLine(inRows, y, dy, rows), columns);
}

/** Entries of each window along a line, first to last: values of the pooled shape. */
function entries(x: Value, { axis, kernel, stride, pads }: Line, pooled: number): readonly Value[] {
  const padded = pad(
    x,
    x.type.shape.map((_, i) => (i === axis ? pads : NONE)),
    LOWEST,
  );
  return Array.from({ length: kernel }, (_, t) => slice(padded, axis, t, t + (pooled - 1) * stride + 1, stride));
}

/** A share for each entry of the windows: the whole of `what` for the first that equals the maximum y, 0 for the others. */
function firstMaxima(x: Value, y: Value, what: Value, line: Line): readonly Value[] {
  let rest = what;
  return entries(x, line, y.type.shape[line.axis]!).map((entry, t) => {
    const share = where(equal(entry, y), rest, constant(0));
    if (t < line.kernel - 1) rest = sub(rest, share);
    return share;
  });
}

/** Gradient of the maximum along a line: shares of dy, put back where their entries are by a transposed convolution. */
function alongLine(x: Value, y: Value, dy: Value, line: Line): Value {
  const { axis, kernel, stride, pads } = line;
  const [n, c, height, width] = x.type.shape as [number, number, number, number];
  const shares = firstMaxima(x, y, dy, line);
  // A channel for each entry of a window; the kernel puts channel t at place t.
  const planes = [n * c, 1, y.type.shape[2]!, y.type.shape[3]!];
  const stacked = concat(
    shares.map((share) => reshape(share, planes)),
    1,
  );
  const isRows = axis === 2;
  const places = constant(
    Float32Array.from({ length: kernel * kernel }, (_, i) => (i % (kernel + 1) === 0 ? 1 : 0)),
    isRows ? [kernel, 1, kernel, 1] : [kernel, 1, 1, kernel],
  );
  const back = apply(
    ConvTranspose,
    {
      strides: isRows ? [stride, 1] : [1, stride],
      pads: [0, 0],
      dilations: [1, 1],
      group: 1,
      outputPadding: [0, 0],
    },
    stacked,
    places,
  );
  // Rows of padding go, rows that no window reaches come.
  const size = isRows ? height : width;
  const own = pad(
    back,
    back.type.shape.map((dim, i) => (i === axis ? [-pads[0], size + pads[0] - dim] : NONE)),
  );
  return reshape(own, x.type.shape);
}

/** Offsets of the first maximum of each window, int64 into x [n, c, h, w]; y is the pooled x. */
export function maxPoolIndices(x: Value, y: Value, attrs: PoolAttrs): Value {
  const [rows, columns] = linesOf(attrs);
  const [n, c, height, width] = x.type.shape as [number, number, number, number];
  const inRows = pooledInRows(x, attrs);
  const ones = (like: Value) => expand(constant(1), like.type.shape);
  const sum = (parts: readonly Value[]) => parts.reduce((a, b) => add(a, b));
  // Columns of the maxima of rows, then row and column of the one that wins among the rows of a window.
  const column = sum(
    firstMaxima(x, inRows, ones(inRows), columns).map((share, t) => mul(share, placesOf(columns, t, inRows))),
  );
  const shares = firstMaxima(inRows, y, ones(y), rows);
  const columnsOf = entries(column, rows, y.type.shape[2]!);
  // Where a window's row is padding, no share is 1, and the product is 0 whatever is there.
  const within = sum(
    shares.map((share, t) => {
      const place = add(mul(placesOf(rows, t, y), constant(width)), columnsOf[t]!);
      return where(equal(share, constant(1)), place, constant(0));
    }),
  );
  const planes = constantOf(
    "int32",
    Int32Array.from({ length: n * c }, (_, plane) => plane * height * width),
    [n, c, 1, 1],
  );
  return cast(add(cast(within, "int32"), planes), "int64");
}

/** Row or column numbers of entry t of each window, to broadcast over the pooled value. */
function placesOf({ axis, stride, pads }: Line, t: number, pooled: Value): Value {
  const size = pooled.type.shape[axis]!;
  const shape = axis === 2 ? [1, 1, size, 1] : [1, 1, 1, size];
  return constant(
    Float32Array.from({ length: size }, (_, o) => o * stride + t - pads[0]),
    shape,
  );
}
