import type { Value } from "../../graph/index.js";
import { type ConvAttrs, conv, pad, reshape, reverse, slice, transpose } from "../../ops/index.js";
import { filterOfPlanes, inTwoParts, lanesLast, remainderOf } from "./conv.js";
import { type BlockedConvAttrs, blockedConv, fromChannelsLast, fusedMatMul, roundUp } from "./nchwc.js";

/** w [k, c/group, kh, kw] to [c, k/group, kh, kw] with both spatial axes reversed: what convolves dy to dx at stride 1. */
export function flipped(w: Value, group: number): Value {
  const [k, cg, kh, kw] = w.type.shape as [number, number, number, number];
  const taps = kh * kw;
  const swapped = transpose(reshape(w, [group, k / group, cg, taps]), [0, 2, 1, 3]);
  return reshape(taps > 1 ? reverse(swapped, 3) : swapped, [cg * group, k / group, kh, kw]);
}

/**
 * The same in the blocked memory order of filters, [c/B, k/group/B, taps, B of k, B of c], declared [c, k/group, kh, kw]. Channels go
 * last within their block first, so that whole vectors move afterwards: five times as fast as one transposition of single numbers.
 */
function flippedBlocks(w: Value, group: number, block: number): Value {
  const [k, cg, kh, kw] = w.type.shape as [number, number, number, number];
  const [kp, cp] = group === 1 ? [roundUp(k, block), roundUp(cg, block)] : [k, cg];
  const taps = kh * kw;
  const filled = pad(w, [
    [0, kp - k],
    [0, cp - cg],
    [0, 0],
    [0, 0],
  ]);
  const shape = [cp * group, kp / group, kh, kw];
  // One by one, rows of c numbers are images of k pixels, channels last: a kernel that threads share, where Transpose has one.
  if (taps === 1 && group === 1) return reshape(fromChannelsLast(reshape(filled, [1, kp, 1, cp])), shape);
  const [kb, cb] = [kp / group / block, cp / block];
  const lanes = taps === 1 ? filled : lanesLast(filled, [kp, cp, taps]);
  const blocks = reshape(lanes, [group, kb, block, cb, taps, block]);
  const turned = transpose(blocks, [0, 3, 1, 4, 2, 5]);
  return reshape(taps === 1 ? turned : reverse(turned, 3), shape);
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
  const [k, , kh, kw] = w.type.shape as [number, number, number, number];
  const geometry: BlockedConvAttrs = {
    kernel: [kh, kw],
    strides: [1, 1],
    dilations: [dilations[0]!, dilations[1]!],
    pads: padsOf(w, attrs),
    group,
  };
  const rest = group === 1 ? remainderOf(k, block) : 0;
  if (rest === 0) return blockedConv(dy, flippedBlocks(w, group, block), geometry);
  const whole = flippedBlocks(slice(w, 0, 0, k - rest), 1, block);
  return inTwoParts(dy, rest, [whole, filterOfPlanes(flipped(slice(w, 0, k - rest, k), 1), block)], geometry);
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
