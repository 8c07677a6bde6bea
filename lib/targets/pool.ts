import { count, type Value } from "../graph/index.js";
import { averagePool, interleaveZeros, type PoolGradAttrs, pad, reshape, scatterAdd, zeros } from "../ops/index.js";

/** The gradient of max pooling: each window's goes to the index of its maximum. x [n, c, ...]. */
export function maxPoolGradient(x: Value, dy: Value, indices: Value): Value {
  const { shape } = x.type;
  const flat = [count(dy.type.shape)];
  return reshape(scatterAdd(zeros([count(shape)]), reshape(indices, flat), reshape(dy, flat), 0), shape);
}

/**
 * The gradient of average pooling: every input gets dy/k of each window over it, which is dy spread out by the strides and averaged by
 * the same windows.
 */
export function averagePoolGradient(dy: Value, { kernel, strides, pads, shape }: PoolGradAttrs): Value {
  let spread = dy;
  kernel.forEach((_, i) => {
    spread = interleaveZeros(spread, i + 2, strides[i]!);
  });
  const before = kernel.map((k, i) => k - 1 - pads[i]![0]);
  const after = kernel.map((_, i) => shape[i + 2]! + pads[i]![0] - spread.type.shape[i + 2]!);
  // Input rows that no window reaches are added behind the pooling, whose pads must stay below the kernel.
  const reached = kernel.map((k, i) => [before[i]!, Math.min(k - 1, after[i]!)] as const);
  const dx = averagePool(spread, { kernel, strides: kernel.map(() => 1), pads: reached });
  return pad(
    dx,
    shape.map((dim, i) => [0, dim - dx.type.shape[i]!]),
  );
}
