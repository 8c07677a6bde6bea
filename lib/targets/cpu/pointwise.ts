import type { Value } from "../../graph/index.js";
import { gemm, reshape, slice, transpose } from "../../ops/index.js";
import type { Layouts } from "./layout.js";
import { channelsLast } from "./nchwc.js";

/** A value [n, c, h, w] as [n, h, w, c], from whichever layout there is. */
export const lastChannels = (value: Layouts, [, c]: readonly number[]): Value =>
  value.hasPlain ? transpose(value.plain(), [0, 2, 3, 1]) : channelsLast(value.blocked(), c!);

/** Sum over pixels of dy's channels by x's: [k, c]. x [n, h, w, c] at the pixels that the strides reach, dy [n, oh, ow, k]. */
export function pixelProduct(
  x: Value,
  dy: Value,
  [oh, ow]: readonly [number, number],
  [sh, sw]: readonly [number, number],
): Value {
  const rows = slice(x, 1, 0, (oh - 1) * sh + 1, sh);
  const seen = slice(rows, 2, 0, (ow - 1) * sw + 1, sw);
  const matrix = (value: Value) => {
    const [n, h, w, c] = value.type.shape as [number, number, number, number];
    return reshape(value, [n * h * w, c]);
  };
  return gemm(matrix(dy), matrix(seen), { transA: true });
}
