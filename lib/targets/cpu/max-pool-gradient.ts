import type { Value } from "../../graph/index.js";
import { add, cast, concat, equal, maxPool, mul, type PoolAttrs, pad, reshape, slice, sub } from "../../ops/index.js";
import { blockedMaxPool } from "./nchwc.js";

/** One axis of a pooling. */
interface Axis {
  readonly kernel: number;
  readonly stride: number;
  readonly before: number;
  readonly size: number;
  readonly pooled: number;
}

/** Whether the gradient along an axis is known in masks: 2 by 2, 3 by 2, and 3 by 1 with a pad of 1. */
function isSeparable({ kernel, stride, before, size, pooled }: Axis): boolean {
  if (kernel === 2 && stride === 2) return before === 0 && size === 2 * pooled;
  if (kernel === 3 && stride === 2) return before === 0 && (size === 2 * pooled || size === 2 * pooled + 1);
  return kernel === 3 && stride === 1 && before === 1 && size === pooled;
}

const axesOf = ({ kernel, strides, pads }: PoolAttrs, x: readonly number[], y: readonly number[]): readonly Axis[] =>
  kernel.map((k, i) => ({
    kernel: k,
    stride: strides[i]!,
    before: pads[i]![0],
    size: x[i + 2]!,
    pooled: y[i + 2]!,
  }));

/** Whether `maskedMaxPool` knows the windows. */
export const hasMasks = (attrs: PoolAttrs, x: readonly number[], y: readonly number[]): boolean =>
  attrs.kernel.length === 2 && axesOf(attrs, x, y).every(isSeparable);

/** Max pooling as rows of a window and then its columns, and the gradient that goes back the same way. */
export interface MaskedMaxPool {
  readonly y: Value;
  gradient(dy: Value): Value;
}

/**
 * Max pooling whose gradient needs no indices: the first row of a window that has its maximum gets dy, and in that row the first
 * entry that has it, by comparisons with what was pooled. That is the first maximum in row order, as in Caffe. x [n, c, h, w].
 * With a block x, y, dy and dx are blocked: neighbours are whole vectors then, and comparisons run over long rows.
 */
export function maskedMaxPool(x: Value, attrs: PoolAttrs, block: number | undefined): MaskedMaxPool {
  const [n, c] = x.type.shape as [number, number];
  const [kh, kw] = attrs.kernel as [number, number];
  const [sh, sw] = attrs.strides as [number, number];
  const [ph, pw] = attrs.pads as [readonly [number, number], readonly [number, number]];
  const pool = block
    ? (value: Value, kernel: [number, number], strides: [number, number], pads: [typeof ph, typeof pw]) =>
        blockedMaxPool(value, { kernel, strides, pads })
    : (value: Value, kernel: [number, number], strides: [number, number], pads: [typeof ph, typeof pw]) =>
        maxPool(value, { kernel, strides, pads }).y;
  const inRows = pool(x, [1, kw], [1, sw], [NONE, pw]);
  const y = pool(inRows, [kh, 1], [sh, 1], [ph, NONE]);
  const [rows, columns] = axesOf(attrs, x.type.shape, y.type.shape) as [Axis, Axis];
  const lanes = block ?? 1;
  const planes = (n * c) / lanes;
  return {
    y,
    gradient(dy) {
      const dRows = along(inRows, y, dy, rows, planes, columns.pooled * lanes);
      return reshape(along(x, inRows, dRows, columns, planes * rows.size, lanes), x.type.shape);
    },
  };
}

const NONE: readonly [number, number] = [0, 0];

/** Below every float of a net, so that padding wins nowhere. */
const LOWEST = -3.4028234663852886e38;

/**
 * Gradient of the maximum along one axis. x in memory [outer, size, inner], y and dy [outer, pooled, inner]: an entry gets dy where it
 * equals y and no entry before it in the window does.
 */
function along(x: Value, y: Value, dy: Value, axis: Axis, outer: number, inner: number): Value {
  const { kernel, stride, size, pooled } = axis;
  const windows = (value: Value) => reshape(value, [outer, pooled, inner]);
  const [r, d] = [windows(y), windows(dy)];
  const won = (gradient: Value, entry: Value) => mul(gradient, cast(equal(entry, r), "float32"));
  const shifted = (value: Value, by: number) => pad(value, [NONE, [by, -by], NONE]);
  if (stride === 1) {
    const here = reshape(x, [outer, size, inner]);
    const first = won(d, pad(here, [NONE, [1, -1], NONE], LOWEST));
    const rest = sub(d, first);
    const second = won(rest, here);
    return add(add(second, shifted(first, -1)), shifted(sub(rest, second), 1));
  }
  const even = size === 2 * pooled ? x : slice(reshape(x, [outer, size, inner]), 1, 0, 2 * pooled);
  const pairs = reshape(even, [outer, pooled, 2 * inner]);
  const first = won(d, slice(pairs, 2, 0, inner));
  const rest = sub(d, first);
  if (kernel === 2) return concat([first, rest], 2);
  const second = won(rest, slice(pairs, 2, inner, 2 * inner));
  // The third entry of a window is the first of the next one.
  const third = sub(rest, second);
  const body = concat([add(first, shifted(third, 1)), second], 2);
  if (size === 2 * pooled) return body;
  const flat = reshape(body, [outer, 2 * pooled, inner]);
  return concat([flat, slice(third, 1, pooled - 1, pooled)], 1);
}
