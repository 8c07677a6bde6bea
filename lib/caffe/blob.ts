import { create, has } from "./message.js";
import type { BlobProto } from "./messages.js";

/** A blob's shape: `shape`, or for files from before BlobShape the four legacy dims [num, channels, height, width]. */
export function blobShape(blob: BlobProto): readonly number[] {
  if (blob.shape) return blob.shape.dim;
  return isLegacy(blob) ? [blob.num, blob.channels, blob.height, blob.width] : [];
}

/** Tests whether a blob's shape is in the four legacy dims, which stand for any shape with ones before it. */
export function isLegacy(blob: BlobProto): boolean {
  return has(blob, "num") || has(blob, "channels") || has(blob, "height") || has(blob, "width");
}

/** A blob's values as float32, in row-major order; double_data, where a file has that, is rounded. Not a copy of `data`. */
export function blobValues(blob: BlobProto): Float32Array {
  return blob.double_data.length > 0 ? Float32Array.from(blob.double_data) : blob.data;
}

/** A blob's gradients as float32, in row-major order, empty where the file has none. */
export function blobDiff(blob: BlobProto): Float32Array {
  return blob.double_diff.length > 0 ? Float32Array.from(blob.double_diff) : blob.diff;
}

/** A blob of a shape with its values (and gradients) in row-major order, which are not copied. */
export function blobProto(shape: readonly number[], data: Float32Array, diff?: Float32Array): BlobProto {
  return create("BlobProto", { shape: { dim: shape }, data, ...(diff && { diff }) });
}
