import { constant, type Value } from "../graph/index.js";
import { averagePool, maxPool, mul } from "../ops/index.js";

/** Windows of pooling along one axis; `pooled` of them. */
export interface PooledAxis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  readonly pooled: number;
}

/** End of a window, in entries of the bottom. */
const endOf = ({ stride, kernel, pad }: PooledAxis, i: number) => i * stride - pad + kernel;

/** MAX pooling over the axes of x [n, c, ...]; windows may end beyond the bottom. */
export const maxPoolNd = (x: Value, axes: readonly PooledAxis[]): Value => maxPool(x, attrsOf(axes)).y;

/** Divisor of a mean: the window's size, what it has of the padded bottom, or what it has of the bottom itself. */
export type MeanOver = "window" | "padded" | "bottom";

/** AVE pooling: what a window sums, divided by the number of entries that the mean is over. */
export function averagePoolNd(x: Value, axes: readonly PooledAxis[], over: MeanOver): Value {
  const y = averagePool(x, attrsOf(axes));
  return over === "window" ? y : corrected(y, axes, over === "padded");
}

const attrsOf = (axes: readonly PooledAxis[]) => ({
  kernel: axes.map(({ kernel }) => kernel),
  strides: axes.map(({ stride }) => stride),
  pads: axes.map((axis) => [axis.pad, Math.max(0, endOf(axis, axis.pooled - 1) - axis.size)] as const),
});

/** Means over whole kernels as means over what windows have of the bottom, padded or not. */
function corrected(y: Value, axes: readonly PooledAxis[], padded: boolean): Value {
  const factors = axes.map((axis) =>
    Array.from({ length: axis.pooled }, (_, i) => {
      const pad = padded ? axis.pad : 0;
      const start = Math.max(i * axis.stride - axis.pad, -pad);
      return axis.kernel / (Math.min(endOf(axis, i), axis.size + pad) - start);
    }),
  );
  if (factors.flat().every((factor) => factor === 1)) return y;
  const all = factors.reduce((outer, own) => outer.flatMap((a) => own.map((b) => a * b)), [1]);
  return mul(
    y,
    constant(
      Float32Array.from(all),
      axes.map(({ pooled }) => pooled),
    ),
  );
}

/** Number of windows there are: rounded up or down, without a last one that begins behind a padded bottom. */
export function pooledSize({ size, kernel, stride, pad }: Omit<PooledAxis, "pooled">, round = Math.ceil): number {
  const pooled = round((size + 2 * pad - kernel) / stride) + 1;
  return pad > 0 && (pooled - 1) * stride >= size + pad ? pooled - 1 : pooled;
}
