import { apply, count, type Value } from "../graph/index.js";
import {
  Conv,
  type ConvAttrs,
  type ConvGradAttrs,
  ConvTranspose,
  concat,
  extent,
  gemm,
  pad,
  reshape,
  slice,
  transpose,
} from "../ops/index.js";

/** The input gradient of a convolution: the transposed convolution, with the rows that no window reached added at the end. */
export function inputGradient(dy: Value, w: Value, { shape, ...attrs }: ConvGradAttrs): Value {
  const outputPadding = attrs.strides.map((stride, i) => {
    const reached = (dy.type.shape[i + 2]! - 1) * stride + extent(w.type.shape[i + 2]!, attrs.dilations[i]!);
    return shape[i + 2]! + 2 * attrs.pads[i]! - reached;
  });
  return apply(ConvTranspose, { ...attrs, outputPadding }, dy, w);
}

/** Number of floats a row of the kernel may spread the input to: 256 MB. */
const SPREAD_LIMIT = 2 ** 26;

/**
 * The weight gradient of a convolution: by matrix products where those are faster on a CPU (kernels below 7 over 48 channels or
 * more: a tenth of GoogLeNet's step), else as a convolution.
 */
export function weightGradient(x: Value, dy: Value, wShape: readonly number[], attrs: ConvAttrs): Value {
  const [, columns, ...kernel] = wShape as [number, number, ...number[]];
  const small = kernel.length === 2 && kernel.every((k) => k < 7) && columns >= 48 && attrs.group <= 4;
  const spread = columns * kernel.at(-1)! * dy.type.shape[0]! * count(dy.type.shape, 2);
  return small && spread <= SPREAD_LIMIT ? rowProducts(x, dy, wShape, attrs) : swappedConvolution(x, dy, wShape, attrs);
}

/**
 * dW[k,c,i,j] = sum over n, p of dy[n,k,p] * x[n,c,p*stride + (i,j)*dilation]: for each row i of the kernel a matrix product of dy
 * with the entries under that row, [kernel columns * channels, images * windows].
 */
function rowProducts(x: Value, dy: Value, wShape: readonly number[], attrs: ConvAttrs): Value {
  const [rows, columns, kh, kw] = wShape as [number, number, number, number];
  const [n, , height, width] = dy.type.shape as [number, number, number, number];
  const { strides, dilations, group } = attrs;
  const k = rows / group;
  const padded = pad(
    x,
    [0, 0, ...attrs.pads].map((p) => [p, p] as const),
  );
  const xs = transpose(padded, [1, 0, 2, 3]);
  const dys = reshape(transpose(dy, [1, 0, 2, 3]), [rows, n * height * width]);
  const under = (value: Value, axis: 0 | 1, i: number, windows: number) => {
    const start = i * dilations[axis]!;
    return slice(value, axis + 2, start, start + (windows - 1) * strides[axis]! + 1, strides[axis]!);
  };
  const ofGroup = (g: number) => {
    const xg = slice(xs, 0, g * columns, (g + 1) * columns);
    const dyg = slice(dys, 0, g * k, (g + 1) * k);
    const products = Array.from({ length: kh }, (_, i) => {
      const row = under(xg, 0, i, height);
      const taps = Array.from({ length: kw }, (_unused, j) => under(row, 1, j, width));
      const entries = reshape(concat(taps, 0), [kw * columns, n * height * width]);
      return reshape(gemm(dyg, entries, { transB: true }), [k, 1, kw, columns]);
    });
    return transpose(concat(products, 1), [0, 3, 1, 2]);
  };
  return concat(
    Array.from({ length: group }, (_, g) => ofGroup(g)),
    0,
  );
}

/**
 * The weight gradient of a convolution is itself a convolution: batch and channels change roles, dy is the kernel,
 * stride and dilation swap. x [n,c,...], dy [n,k,...]; the result has the shape [k,c/group,...] of the weights.
 */
function swappedConvolution(x: Value, dy: Value, wShape: readonly number[], attrs: ConvAttrs): Value {
  const [n, c, ...size] = x.type.shape as [number, number, ...number[]];
  const { group } = attrs;
  const pointwise = wShape.slice(2).every((k) => k === 1) && attrs.pads.every((p) => p === 0);
  if (pointwise && group === 1) return pointwiseWeightGradient(x, dy, wShape, attrs.strides);
  const space = size.map((_, i) => i);
  // [n, g, c/g, ...] -> [c/g, g*n, ...]: each group of the convolution below sees its own channels as a batch.
  const grouped = reshape(x, [n, group, c / group, ...size]);
  const swapped = transpose(grouped, [2, 1, 0, ...space.map((i) => i + 3)]);
  const xt = reshape(swapped, [c / group, group * n, ...size]);
  const dyt = transpose(dy, [1, 0, ...space.map((i) => i + 2)]);
  let dw = apply(Conv, { ...attrs, strides: attrs.dilations, dilations: attrs.strides }, xt, dyt);
  // Input rows that no window reached give entries beyond the kernel.
  for (const i of space) dw = slice(dw, i + 2, 0, wShape[i + 2]!);
  return transpose(dw, [1, 0, ...space.map((i) => i + 2)]);
}

/** For a kernel of 1 that convolution is one matrix product over batch and space, several times as fast that way. */
function pointwiseWeightGradient(x: Value, dy: Value, wShape: readonly number[], strides: readonly number[]): Value {
  const seen = strides.reduce((part, stride, i) => {
    const reach = (dy.type.shape[i + 2]! - 1) * stride + 1;
    return slice(part, i + 2, 0, reach, stride);
  }, x);
  const byChannel = (value: Value) => {
    const { shape } = value.type;
    const perm = [1, 0, ...shape.slice(2).map((_, i) => i + 2)];
    return reshape(transpose(value, perm), [shape[1]!, count(shape) / shape[1]!]);
  };
  return reshape(gemm(byChannel(dy), byChannel(seen), { transB: true }), wShape);
}
