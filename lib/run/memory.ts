import { memoryLimit, sizeText } from "../budget.js";
import type { LayerParameter } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { count } from "../graph/index.js";
import type { LoweredNet } from "../net/lower.js";
import { spanOf } from "../text/notes.js";

const FLOAT_BYTES = 4;

/**
 * Throws NetrunError, at the layer of the largest blob, where parameters and that blob do not fit into the memory of this machine: no
 * order of computation does without them, and a system ends a process that takes more.
 */
export function checkForwardMemory(
  { parameters, blobs }: LoweredNet,
  layers: readonly LayerParameter[],
  limit = memoryLimit(),
): void {
  const bytesOf = (shape: readonly number[]) => FLOAT_BYTES * count(shape);
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
