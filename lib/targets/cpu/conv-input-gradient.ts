import { constantOf, type Value } from "../../graph/index.js";
import { type ConvAttrs, conv, gather, reshape, transpose } from "../../ops/index.js";
import { filterBlocks } from "./conv.js";
import { blockedConv, fusedMatMul } from "./nchwc.js";

/** w [k, c/group, kh, kw] to [c, k/group, kh, kw] with both spatial axes reversed: what convolves dy to dx at stride 1. */
export function flipped(w: Value, group: number): Value {
  const [k, cg, kh, kw] = w.type.shape as [number, number, number, number];
  const taps = kh * kw;
  const swapped = transpose(reshape(w, [group, k / group, cg, taps]), [0, 2, 1, 3]);
  const reversed = constantOf(
    "int64",
    BigInt64Array.from({ length: taps }, (_, i) => BigInt(taps - 1 - i)),
    [taps],
  );
  return reshape(taps > 1 ? gather(swapped, reversed, 3) : swapped, [cg * group, k / group, kh, kw]);
}

/** Pads of the convolution of dy that gives dx at stride 1, [before, after] an axis. */
const padsOf = (w: Value, { pads, dilations }: ConvAttrs) =>
  [0, 1].map((i) => {
    const side = (w.type.shape[i + 2]! - 1) * dilations[i]! - pads[i]!;
    return [side, side] as const;
  }) as [readonly [number, number], readonly [number, number]];

/** dx of a stride-1 convolution, blocked, from a blocked dy, by the blocked kernels on flipped filters. w [k, c/group, kh, kw] is plain. */
export function blockedInputGradient(dy: Value, w: Value, attrs: ConvAttrs, block: number): Value {
  const { group, dilations } = attrs;
  const turned = flipped(w, group);
  const [, , kh, kw] = turned.type.shape as [number, number, number, number];
  return blockedConv(dy, filterBlocks(turned, group, block), {
    kernel: [kh, kw],
    strides: [1, 1],
    dilations: [dilations[0]!, dilations[1]!],
    pads: padsOf(w, attrs),
    group,
  });
}

/** The same on the plain layout. */
export function flippedInputGradient(dy: Value, w: Value, attrs: ConvAttrs): Value {
  const [[ph], [pw]] = padsOf(w, attrs);
  return conv(dy, flipped(w, attrs.group), { ...attrs, pads: [ph, pw] });
}

/** dx of a 1 by 1 convolution at stride 1: for each image the matrix product of w transposed with dy. */
export function pointwiseInputGradient(dy: Value, w: Value): Value {
  const [n, k, h, width] = dy.type.shape as [number, number, number, number];
  const [, c] = w.type.shape as [number, number];
  const dx = fusedMatMul(reshape(w, [k, c]), reshape(dy, [n, k, h * width]), { transA: true });
  return reshape(dx, [n, c, h, width]);
}
