import { memoryLimit, sizeText } from "../budget.js";
import type { LayerParameter } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { count } from "../graph/index.js";
import type { LoweredNet } from "../net/lower.js";
import { spanOf } from "../text/notes.js";

const FLOAT_BYTES = 4;

const bytesOf = (shape: readonly number[]): number => FLOAT_BYTES * count(shape);

/**
 * Part of the memory that the blobs of compiled nets may take: a session holds what its largest run took, which is four to five times its
 * blobs where it gives gradients (Faster R-CNN's ZF net, 600 x 800: 133 MiB of blobs, 0.6 GB).
 */
const COMPILED_SHARE = 1 / 16;

/** Bytes of a net's blobs. */
export const blobBytes = ({ blobs }: LoweredNet): number =>
  [...blobs.values()].reduce((sum, { type }) => sum + bytesOf(type.shape), 0);

/**
 * Number of compiled nets to close, of those that ran longest ago, so that at most `most` are left and what their blobs take fits its share of the
 * memory. `sizes` are the bytes of their blobs, the last one's the newest, which stays.
 */
export function surplusNets(sizes: readonly number[], most: number, limit = memoryLimit()): number {
  let bytes = sizes.reduce((sum, size) => sum + size, 0);
  let surplus = 0;
  for (const size of sizes.slice(0, -1)) {
    if (sizes.length - surplus <= most && bytes <= limit * COMPILED_SHARE) break;
    bytes -= size;
    surplus++;
  }
  return surplus;
}

/**
 * Throws NetrunError, at the layer of the largest blob, where parameters and that blob do not fit into the memory of this machine: no
 * order of computation does without them, and a system ends a process that takes more.
 */
export function checkForwardMemory(
  { parameters, blobs }: LoweredNet,
  layers: readonly LayerParameter[],
  limit = memoryLimit(),
): void {
  const weights = parameters.reduce((sum, { spec }) => sum + bytesOf(spec.shape), 0);
  let largest: { readonly name: string; readonly bytes: number } = { name: "", bytes: 0 };
  for (const [name, { type }] of blobs) {
    const bytes = bytesOf(type.shape);
    if (bytes > largest.bytes) largest = { name, bytes };
  }
  if (weights + largest.bytes <= limit) return;
  const layer = layers.findLast(({ top }) => top.includes(largest.name));
  throw new NetrunError(
    `the net takes at least ${sizeText(weights + largest.bytes)}, and there are ${sizeText(limit)} of memory`,
    {
      span: layer && spanOf(layer),
      notes: [
        `parameters take ${sizeText(weights)}, blob "${largest.name}" ${sizeText(largest.bytes)}`,
        "a smaller batch or smaller inputs take less for blobs",
      ],
    },
  );
}
