import { arange, constant, type Value } from "../graph/index.js";
import { add, greater, mul, pad, reshape, slice, where } from "../ops/index.js";

/** Windows of pooling along one axis whose entries lie `dilation` apart; `pooled` of them, without pads. */
export interface DilatedAxis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly pooled: number;
}

/** Entries of the bottom that a window spans. */
export const spanOf = ({ kernel, dilation }: { readonly kernel: number; readonly dilation: number }): number =>
  (kernel - 1) * dilation + 1;

/** The start of Caffe's maxima. */
const LOWEST = -3.4028234663852886e38;

/** The entries of x [n, c, ...] at a place of each window, by the places in row order: [n, c, ...windows]; `beyond` where there are none. */
function taps(x: Value, axes: readonly DilatedAxis[], beyond: number): readonly Value[] {
  const room = axes.map((axis) => Math.max(0, (axis.pooled - 1) * axis.stride + spanOf(axis) - axis.size));
  const whole = pad(x, [[0, 0], [0, 0], ...room.map((after) => [0, after] as const)], beyond);
  return axes.reduce<readonly Value[]>(
    (parts, { kernel, stride, dilation, pooled }, i) =>
      parts.flatMap((part) =>
        Array.from({ length: kernel }, (_, k) =>
          slice(part, i + 2, k * dilation, k * dilation + (pooled - 1) * stride + 1, stride),
        ),
      ),
    [whole],
  );
}

/** MAX pooling: the first maximum of each window in row order; and its offset in the plane, as a float. */
export function maxPoolDilated(x: Value, axes: readonly DilatedAxis[]): { readonly y: Value; readonly places: Value } {
  const [first, ...others] = taps(x, axes, LOWEST);
  const offsets = offsetsOf(axes);
  let [y, places] = [first!, offsets[0]!];
  others.forEach((tap, i) => {
    const isMore = greater(tap, y);
    y = where(isMore, tap, y);
    places = where(isMore, offsets[i + 1]!, places);
  });
  return { y, places };
}

/** AVE pooling: the sum of a window, divided by all entries that it spans within the bottom. */
export function averagePoolDilated(x: Value, axes: readonly DilatedAxis[]): Value {
  const [first, ...others] = taps(x, axes, 0);
  const sum = others.reduce((all, tap) => add(all, tap), first!);
  const spans = axes.map((axis) =>
    Array.from({ length: axis.pooled }, (_, i) => Math.min(spanOf(axis), axis.size - i * axis.stride)),
  );
  const all = spans.reduce((outer, own) => outer.flatMap((a) => own.map((b) => a * b)), [1]);
  return mul(
    sum,
    constant(
      Float32Array.from(all, (span) => 1 / span),
      axes.map(({ pooled }) => pooled),
    ),
  );
}

/** Offsets in the plane of each place of the windows, [...windows], by the places in row order. */
function offsetsOf(axes: readonly DilatedAxis[]): readonly Value[] {
  let offsets: readonly Value[] = [constant(0)];
  axes.forEach(({ kernel, stride, dilation, pooled, size }, i) => {
    const shape = axes.map((_, k) => (k === i ? pooled : 1));
    const starts = reshape(mul(arange(pooled), constant(stride)), shape);
    offsets = offsets.flatMap((outer) =>
      Array.from({ length: kernel }, (_, k) => add(mul(outer, constant(size)), add(starts, constant(k * dilation)))),
    );
  });
  return offsets;
}
