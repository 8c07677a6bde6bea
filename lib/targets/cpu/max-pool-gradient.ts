import { count, type Value } from "../../graph/index.js";
import { add, cast, concat, equal, mul, type PoolAttrs, pad, reshape, slice, sub } from "../../ops/index.js";
import { blockedMaxPool } from "./nchwc.js";

/** One axis of a pooling. */
interface Axis {
  readonly kernel: number;
  readonly stride: number;
  readonly before: number;
  readonly size: number;
  readonly pooled: number;
}

/** Tests whether the gradient along an axis is known in masks: 2 by 2, 3 by 2, and 3 by 1 with a pad of 1. */
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

/** Tests whether `maskedMaxPool` knows the windows. */
export const hasMasks = (attrs: PoolAttrs, x: readonly number[], y: readonly number[]): boolean =>
  attrs.kernel.length === 2 && axesOf(attrs, x, y).every(isSeparable);

/** Max pooling as rows of a window and then its columns, and the gradient that goes back the same way. */
export interface MaskedMaxPool {
  readonly y: Value;
  gradient(dy: Value): Value;
}

/**
 * Max pooling whose gradient needs no indices: the first row of a window that has its maximum gets dy, and in that row the first
 * entry that has it, by comparisons with what was pooled. That is the first maximum in row order, as in Caffe. x [n, c, h, w], y, dy
 * and dx are blocked: neighbours are whole vectors then, and comparisons run over long rows.
 */
export function maskedMaxPool(x: Value, attrs: PoolAttrs, block: number): MaskedMaxPool {
  const [kh, kw] = attrs.kernel as [number, number];
  const [sh, sw] = attrs.strides as [number, number];
  const [ph, pw] = attrs.pads as [readonly [number, number], readonly [number, number]];
  const inRows = blockedMaxPool(x, { kernel: [1, kw], strides: [1, sw], pads: [NONE, pw] });
  const y = blockedMaxPool(inRows, { kernel: [kh, 1], strides: [sh, 1], pads: [ph, NONE] });
  const [rows, columns] = axesOf(attrs, x.type.shape, y.type.shape) as [Axis, Axis];
  return {
    y,
    gradient: (dy) => along(x, inRows, along(inRows, y, dy, rows, 2, block), columns, 3, block),
  };
}

const NONE: readonly [number, number] = [0, 0];

/** Below every float of a net, so that padding wins nowhere. */
const LOWEST = -3.4028234663852886e38;

/**
 * Gradient of the maximum along one axis of blocked values, 2 for rows or 3 for columns: an entry gets dy where it equals y and no entry
 * before it in the window does.
 */
function along(x: Value, y: Value, dy: Value, axis: Axis, index: 2 | 3, block: number): Value {
  const { kernel, stride, size, pooled } = axis;
  const inner = count(x.type.shape, index + 1) * block;
  const outer = count(x.type.shape) / (size * inner);
  const lines = (value: Value, length: number) => reshape(value, [outer, length, inner]);
  const [r, d] = [lines(y, pooled), lines(dy, pooled)];
  const won = (gradient: Value, entry: Value) => mul(gradient, cast(equal(entry, r), "float32"));
  const shifted = (value: Value, by: number) => pad(value, [NONE, [by, -by], NONE]);
  const whole = (value: Value) => reshape(value, x.type.shape);
  if (stride === 1) {
    const here = lines(x, size);
    const first = won(d, pad(here, [NONE, [1, -1], NONE], LOWEST));
    const rest = sub(d, first);
    const second = won(rest, here);
    return whole(add(add(second, shifted(first, -1)), shifted(sub(rest, second), 1)));
  }
  // Every other entry is a pooling with windows of one entry, the larger of two one of two: threads share them, where a Slice copies
  // vector by vector in one thread (CIFAR-10 quick's first pooling, two threads: 0.4 ms against 2.2).
  const everyOther = (extent: 1 | 2) => {
    const kernel: [number, number] = index === 2 ? [extent, 1] : [1, extent];
    return blockedMaxPool(x, { kernel, strides: index === 2 ? [2, 1] : [1, 2], pads: [NONE, NONE] });
  };
  const firsts = lines(everyOther(1), Math.ceil(size / 2));
  const first = won(d, size === 2 * pooled ? firsts : slice(firsts, 1, 0, pooled));
  if (kernel === 2) return whole(concat([first, sub(d, first)], 2));
  const firstTwo = won(d, lines(everyOther(2), pooled));
  const second = sub(firstTwo, first);
  // The third entry of a window is the first of the next one.
  const third = sub(d, firstTwo);
  const body = concat([add(first, shifted(third, 1)), second], 2);
  if (size === 2 * pooled) return whole(body);
  return whole(concat([lines(body, 2 * pooled), slice(third, 1, pooled - 1, pooled)], 1));
}
