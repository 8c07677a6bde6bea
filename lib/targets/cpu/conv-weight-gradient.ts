import type { Value } from "../../graph/index.js";
import { type ConvAttrs, concat, pad, reshape, slice, transpose } from "../../ops/index.js";
import { firstEntries } from "./channel-sums.js";
import { toBlocks } from "./layout.js";
import { blockedConv, reorderOutput, roundUp } from "./nchwc.js";

/** Bands of rows that dy is cut into, so that images times bands fill whole blocks. */
export function bandsOf(images: number, rows: number, block: number): number {
  for (let bands = 1; bands <= Math.min(rows, block); bands++) if ((images * bands) % block === 0) return bands;
  return 1;
}

/**
 * Weight gradient of a 2-d convolution by the blocked kernels: batch and channels of x change roles, dy is the filter, stride and
 * dilation swap. x [n, c, h, w], dy [n, k, oh, ow]; dW [k, c/group, kh, kw]. dy is cut into `bands` bands of rows, with the rows of x
 * under each, which join the batch: fewer rows a filter keep it in the cache, and images times bands fill the block.
 * x is plain and dy blocked; shape is that of dW, plain.
 */
export function blockedWeightGradient(
  x: Value,
  dy: Value,
  shape: readonly number[],
  { strides, pads, dilations, group }: ConvAttrs,
  block: number,
  bands: number,
): Value {
  const [n, c, h, w] = x.type.shape as [number, number, number, number];
  const [, , oh, ow] = dy.type.shape as [number, number, number, number];
  const [k, , ...kernel] = shape as [number, number, ...number[]];
  const [sh, sw] = strides as [number, number];
  const [reachH, reachW] = kernel.map((size, i) => (size - 1) * dilations[i]!) as [number, number];
  const rows = Math.ceil(oh / bands);
  const batch = n * bands;
  const batchBlocks = roundUp(batch, block);
  const heightOfBand = (rows - 1) * sh + reachH + 1;
  const heightOfAll = (bands * rows - 1) * sh + reachH + 1;
  const width = (ow - 1) * sw + reachW + 1;
  const cg = c / group;
  // Channels become the batch; images (and bands of them) become channels, each group its own.
  const swapped = reshape(transpose(reshape(x, [n, group, cg, h * w]), [2, 1, 0, 3]), [cg, group, n, h, w]);
  const [top, left] = pads as [number, number];
  const whole = pad(swapped, [
    [0, 0],
    [0, 0],
    [0, bands === 1 ? batchBlocks - batch : 0],
    [top, heightOfAll - h - top],
    [left, width - w - left],
  ]);
  const joined = concat(
    Array.from({ length: bands }, (_, i) => slice(whole, 3, i * rows * sh, i * rows * sh + heightOfBand)),
    2,
  );
  const filled = bands === 1 ? joined : pad(joined, [NONE, NONE, [0, batchBlocks - batch], NONE, NONE]);
  const xb = toBlocks(reshape(filled, [cg, group * batchBlocks, heightOfBand, width]), block);
  const filter = filterOf(dy, { block, bands, rows, batch, batchBlocks });
  const dw = blockedConv(xb, filter, {
    kernel: [rows, ow],
    strides: [dilations[0]!, dilations[1]!],
    dilations: [sh, sw],
    pads: [NONE, NONE],
    group,
  });
  return plainFilters(dw, k, block);
}

/** dW as the kernels leave it, [c, k, kh, kw] in blocks, as [k, c, kh, kw] plain: blocks of k first, then out of their lanes. */
function plainFilters(dw: Value, k: number, block: number): Value {
  const [c, kp, kh, kw] = dw.type.shape as [number, number, number, number];
  const blocks = transpose(reshape(dw, [c, kp / block, kh * kw * block]), [1, 0, 2]);
  const plain = reorderOutput(reshape(blocks, [kp / block, block, c * kh * kw, 1]), block);
  return firstEntries(reshape(plain, [kp, c, kh, kw]), k);
}

const NONE: readonly [number, number] = [0, 0];

interface Bands {
  readonly block: number;
  readonly bands: number;
  /** Rows of a band. */
  readonly rows: number;
  /** Images times bands, and that as whole blocks. */
  readonly batch: number;
  readonly batchBlocks: number;
}

/** dy [n, k, oh, ow], blocked, as a filter [k, images*bands, rows, ow] in the blocked memory order of filters. */
function filterOf(dy: Value, { block, bands, rows, batch, batchBlocks }: Bands): Value {
  const [n, k, oh, ow] = dy.type.shape as [number, number, number, number];
  const kb = k / block;
  let parts: Value;
  if (bands === 1) parts = reshape(dy, [n, kb, oh * ow * block]);
  else {
    const lines = pad(reshape(dy, [n, kb, oh, ow * block]), [NONE, NONE, [0, bands * rows - oh], NONE]);
    // Bands before images, as in x.
    const banded = transpose(reshape(lines, [n, kb, bands, rows * ow * block]), [2, 0, 1, 3]);
    parts = reshape(banded, [batch, kb, rows * ow * block]);
  }
  const filled = pad(parts, [[0, batchBlocks - batch], NONE, NONE]);
  const blocks = reshape(filled, [batchBlocks / block, block, kb, rows * ow, block]);
  return reshape(transpose(blocks, [2, 0, 3, 1, 4]), [kb * block, batchBlocks, rows, ow]);
}
