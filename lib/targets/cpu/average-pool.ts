import type { Value } from "../../graph/index.js";
import type { PoolAttrs } from "../../ops/index.js";
import { interleaved } from "./layout.js";
import { type BlockedWindows, blockedAveragePool } from "./nchwc.js";

/** Windows of two axes as the blocked kernels take them. */
export const blockedWindows = ({ kernel, strides, pads }: PoolAttrs): BlockedWindows => ({
  kernel: [kernel[0]!, kernel[1]!],
  strides: [strides[0]!, strides[1]!],
  pads: [pads[0]!, pads[1]!],
});

/** Pads [before, after] of an axis for the pooling that spreads a gradient over the entries of each window. */
function gradientPads(attrs: PoolAttrs, size: number, pooled: number, axis: number): readonly [number, number] {
  const before = attrs.pads[axis]![0];
  return [attrs.kernel[axis]! - 1 - before, size + before - pooled * attrs.strides[axis]!];
}

/** Tests whether `blockedAveragePoolGradient` holds for an input [n, c, h, w] pooled to y: its own windows lie where dy reaches. */
export function spreads(attrs: PoolAttrs, x: readonly number[], y: readonly number[]): boolean {
  if (attrs.kernel.length !== 2) return false;
  return [0, 1].every((axis) => {
    const [before, after] = gradientPads(attrs, x[axis + 2]!, y[axis + 2]!, axis);
    return before >= 0 && after >= 0 && before < attrs.kernel[axis]! && after < attrs.kernel[axis]!;
  });
}

/**
 * Gradient of average pooling (padding counted), blocked: dy with zeros between its entries, averaged by the same windows at stride 1.
 * `size` is [h, w] of dx.
 */
export function blockedAveragePoolGradient(
  dy: Value,
  attrs: PoolAttrs,
  size: readonly [number, number],
  block: number,
): Value {
  const [, , oh, ow] = dy.type.shape as [number, number, number, number];
  const [sh, sw] = attrs.strides as [number, number];
  return blockedAveragePool(interleaved(dy, [sh, sw], [oh * sh, ow * sw], block), {
    kernel: [attrs.kernel[0]!, attrs.kernel[1]!],
    strides: [1, 1],
    pads: [gradientPads(attrs, size[0], oh, 0), gradientPads(attrs, size[1], ow, 1)],
  });
}
