import { count, type Value } from "../../graph/index.js";
import { pad, reshape, slice } from "../../ops/index.js";
import { reorderInput, reorderOutput, roundUp } from "./nchwc.js";

/** A value of a graph in the plain layout, in the blocked one, or in both: each is made from the other when first asked for. */
export interface Layouts {
  /** [n, c, h, w], row-major. */
  plain(): Value;
  /** [n, c up to a whole number of blocks, h, w], memory [n, c/B, h, w, B]; the channels beyond c hold zeros. */
  blocked(): Value;
  /** The layout in which the value was made, or that it was already asked for. */
  readonly hasPlain: boolean;
  readonly hasBlocked: boolean;
}

function layouts(block: number, channels: number, plain: Value | undefined, inBlocks: Value | undefined): Layouts {
  let [p, b] = [plain, inBlocks];
  return {
    plain() {
      p ??= reorderOutput(b!, channels);
      return p;
    },
    blocked() {
      b ??= toBlocks(p!, block);
      return b;
    },
    get hasPlain() {
      return p !== undefined;
    },
    get hasBlocked() {
      return b !== undefined;
    },
  };
}

/** A value in the plain layout, any rank; only those of rank 4 have a blocked one. */
export const fromPlain = (value: Value, block: number): Layouts =>
  layouts(block, value.type.shape[1] ?? 1, value, undefined);

/** A value in the blocked layout whose first `channels` channels count. */
export const fromBlocked = (value: Value, channels: number, block: number): Layouts =>
  layouts(block, channels, undefined, value);

/** x [n, c, h, w] in blocks, with zero channels up to a multiple of the block. */
export function toBlocks(x: Value, block: number): Value {
  const [, c] = x.type.shape as [number, number];
  return reorderInput(
    pad(x, [
      [0, 0],
      [0, roundUp(c, block) - c],
      [0, 0],
      [0, 0],
    ]),
  );
}

/** A blocked value's memory as a tensor of its own: [n, c/B, h*w, B]. */
export function blocksOf(x: Value, block: number): Value {
  const [n, c] = x.type.shape as [number, number];
  return reshape(x, [n, c / block, count(x.type.shape, 2), block]);
}

/**
 * A blocked value with zeros behind each row and column, strides - 1 of them, cut to a size [h, w] that is not beyond that. The zeros
 * of both axes come from one Pad, since a blocked row is a row of whole vectors.
 */
export function interleaved(
  x: Value,
  [sh, sw]: readonly [number, number],
  [h, w]: readonly [number, number],
  block: number,
): Value {
  const [n, c, oh, ow] = x.type.shape as [number, number, number, number];
  const planes = (n * c) / block;
  const spread = pad(reshape(x, [planes * oh, 1, ow, block]), [
    [0, 0],
    [0, sh - 1],
    [0, 0],
    [0, (sw - 1) * block],
  ]);
  const lines = reshape(spread, [planes, oh * sh, ow * sw * block]);
  return reshape(slice(slice(lines, 1, 0, h), 2, 0, w * block), [n, c, h, w]);
}
