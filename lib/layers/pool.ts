import { constant, constantOf, count, type Value } from "../graph/index.js";
import {
  add,
  averagePool,
  cast,
  cumSum,
  div,
  gatherElements,
  greater,
  greaterOrEqual,
  maxPool,
  min,
  mod,
  mul,
  type PoolAttrs,
  pad,
  reduceMax,
  reduceSum,
  reshape,
  slice,
  stopGradient,
  sub,
  where,
} from "../ops/index.js";
import type { PhaseName, Site } from "./layer.js";
import { nothing } from "./slope.js";
import { unfold } from "./windows.js";

/** Windows of one axis. */
export interface Windows {
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  /** Entries of the input. */
  readonly size: number;
  /** Entries of the output. */
  readonly pooled: number;
}

/** Result of a window. */
export type Pool =
  | { readonly method: "MAX"; readonly mask: boolean }
  | { readonly method: "AVE" }
  | { readonly method: "STOCHASTIC"; readonly phase: PhaseName };

/** Pools bottom 0 [n, c, h, w] by windows of its last two axes; MAX with a mask gives two tops. */
export function pool(site: Site<unknown>, kind: Pool, axes: readonly [Windows, Windows]): readonly Value[] {
  const x = site.bottoms[0]!;
  switch (kind.method) {
    case "MAX":
      return maxPooling(x, axes, kind.mask);
    case "AVE":
      return [averagePooling(x, axes)];
    case "STOCHASTIC":
      return [kind.phase === "TRAIN" ? drawn(x, axes, site) : weighted(x, axes)];
  }
}

/** Result of Caffe's MAX where a window, at stride > kernel, begins behind the input. */
const LOWEST = -3.4028234663852886e38;

function maxPooling(x: Value, axes: readonly Windows[], mask: boolean): readonly Value[] {
  const { y, indices } = maxPool(x, poolAttrs(axes));
  const top = strayGradients(x, behind(y, axes, LOWEST), axes);
  if (!mask) return [top];
  const plane = constantOf("int64", BigInt64Array.of(BigInt(axes[0]!.size * axes[1]!.size)), []);
  const places = cast(behind(mod(indices, plane), axes, -1), "float32");
  planes.set(places, [axes[0]!.size, axes[1]!.size]);
  return [top, places];
}

/** Sizes of the planes that masks give places of. */
const planes = new WeakMap<Value, readonly [height: number, width: number]>();

/** Size of the plane that a mask gives places of, where it comes from a pooling of the same net. */
export const planeOfMask = (mask: Value): readonly [height: number, width: number] | undefined => planes.get(mask);

/**
 * A window behind the input has the mask -1 in Caffe, whose backward adds the window's gradient at that offset of its plane:
 * the last entry of the plane before (for the first plane, outside of the blob). The numbers are Caffe's only with it.
 */
function strayGradients(x: Value, top: Value, axes: readonly Windows[]): Value {
  if (count(x.type.shape) === 0 || axes.every((axis) => inside(axis) === axis.pooled)) return top;
  const [n, c, h, w] = x.type.shape as [number, number, number, number];
  const last = slice(reshape(x, [n * c, h * w]), 1, h * w - 1, h * w);
  const before = reshape(
    pad(slice(last, 0, 0, n * c - 1), [
      [1, 0],
      [0, 0],
    ]),
    [n, c, 1, 1],
  );
  const [rows, columns] = axes as [Windows, Windows];
  const stray = Float32Array.from({ length: rows.pooled * columns.pooled }, (_, i) =>
    Math.floor(i / columns.pooled) >= inside(rows) || i % columns.pooled >= inside(columns) ? 1 : 0,
  );
  return add(top, mul(nothing(before), constant(stray, [rows.pooled, columns.pooled])));
}

function averagePooling(x: Value, axes: readonly Windows[]): Value {
  const y = behind(averagePool(x, poolAttrs(axes)), axes, 0);
  if (axes.every(isWhole)) return y;
  const [rows, columns] = axes.map(areaCorrection) as [Float64Array, Float64Array];
  const factors = new Float32Array(rows.length * columns.length);
  rows.forEach((r, i) => {
    columns.forEach((c, j) => {
      factors[i * columns.length + j] = r * c;
    });
  });
  return mul(y, constant(factors, [rows.length, columns.length]));
}

/** Tests whether the last window, and so every one, lies in the padded input. */
function isWhole({ kernel, stride, pad: padding, size, pooled }: Windows): boolean {
  return (pooled - 1) * stride + kernel <= size + 2 * padding;
}

/** Kernel over window length for each window of an axis: ONNX divides by the kernel, Caffe by what of it lies in the padded input. */
function areaCorrection({ kernel, stride, pad: padding, size, pooled }: Windows): Float64Array {
  return new Float64Array(pooled).map((_, i) => {
    const start = i * stride - padding;
    return kernel / (Math.min(start + kernel, size + padding) - start);
  });
}

/**
 * STOCHASTIC in TRAIN: the first entry at which the running sum of the window reaches r times its whole sum, r uniform in (0, 1].
 * The gradient goes to that entry.
 */
function drawn(x: Value, axes: readonly Windows[], site: Site<unknown>): Value {
  const entries = windowEntries(x, axes);
  const [n, c, k, ...pooled] = entries.type.shape as [number, number, number, number, number];
  const sums = cumSum(stopGradient(entries), { axis: 2, exclusive: false, reverse: false });
  const r = sub(constant(1), site.random([n, c, 1, ...pooled]));
  const reached = cast(greaterOrEqual(sums, mul(r, slice(sums, 2, k - 1, k))), "float32");
  const fromEnd = constant(
    Float32Array.from({ length: k }, (_, i) => k - i),
    [k, 1, 1],
  );
  const first = sub(constant(k), reduceMax(mul(reached, fromEnd), [2], true));
  const picked = gatherElements(entries, cast(min(first, constant(k - 1)), "int64"), 2);
  return behind(reshape(picked, [n, c, ...pooled]), axes, 0);
}

/** STOCHASTIC in TEST: sum of x^2 / sum of x over the window, 0 where that sum is not above 0. */
function weighted(x: Value, axes: readonly Windows[]): Value {
  const entries = windowEntries(x, axes);
  const sum = reduceSum(entries, [2]);
  const positive = greater(sum, constant(0));
  const quotient = div(reduceSum(mul(entries, entries), [2]), where(positive, sum, constant(1)));
  return behind(where(positive, quotient, constant(0)), axes, 0);
}

/** The entries of each window that begins inside the input, [n, c, entries, rows, columns]; 0 for those behind it. */
function windowEntries(x: Value, axes: readonly Windows[]): Value {
  const { pads } = poolAttrs(axes);
  return unfold(
    x,
    axes.map((axis, i) => ({ ...axis, dilation: 1, pads: pads[i]!, windows: inside(axis) })),
  );
}

/** Windows that begin inside the input. */
const inside = ({ pooled, stride, size, pad: padding }: Windows) =>
  Math.min(pooled, Math.ceil((size + padding) / stride));

function poolAttrs(axes: readonly Windows[]): PoolAttrs {
  return {
    kernel: axes.map(({ kernel }) => kernel),
    strides: axes.map(({ stride }) => stride),
    pads: axes.map((axis) => {
      const end = (inside(axis) - 1) * axis.stride - axis.pad + axis.kernel;
      return [axis.pad, Math.max(0, end - axis.size)];
    }),
  };
}

/** Appends the windows that begin behind the input. */
function behind(y: Value, axes: readonly Windows[], value: number): Value {
  return pad(y, [[0, 0], [0, 0], ...axes.map((axis) => [0, axis.pooled - inside(axis)] as const)], value);
}
