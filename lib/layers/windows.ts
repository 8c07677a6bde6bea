import type { Value } from "../graph/index.js";
import { concat, pad, reshape, slice } from "../ops/index.js";

/** Windows of one axis: where they lie in a padded input, how many there are, and how far apart the entries of one are. */
export interface Taps {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly pads: readonly [before: number, after: number];
  /** Number of windows. */
  readonly windows: number;
}

/**
 * The entries of all windows over the last axes of x, zeros outside: [..., product of kernels, ...windows], entries in row-major
 * order of the kernel. Caffe's im2col, of copies alone.
 */
export function unfold(x: Value, axes: readonly Taps[]): Value {
  const { shape } = x.type;
  const first = shape.length - axes.length;
  const padded = pad(
    x,
    shape.map((_, i) => (i < first ? [0, 0] : axes[i - first]!.pads)),
  );
  let parts: readonly Value[] = [padded];
  axes.forEach(({ kernel, stride, dilation, windows }, i) => {
    const last = (windows - 1) * stride + 1;
    parts = parts.flatMap((part) =>
      Array.from({ length: kernel }, (_, k) => slice(part, first + i, k * dilation, k * dilation + last, stride)),
    );
  });
  const window = [...shape.slice(0, first), 1, ...axes.map(({ windows }) => windows)];
  return concat(
    parts.map((part) => reshape(part, window)),
    first,
  );
}
