import { NetrunError } from "../error.js";
import { blobDiff, blobShape, blobValues, isLegacy } from "./blob.js";
import type { BlobProto } from "./messages.js";

/** A parameter blob as a file has it: values in row-major order. */
export interface StoredBlob {
  readonly shape: readonly number[];
  readonly data: Float32Array;
  /** Gradients, where the file has them. */
  readonly diff?: Float32Array | undefined;
  /** Written before blobs had free shapes: four dims, with ones before those that count. */
  readonly legacy?: boolean;
}

/** The blobs of layers by layer name. */
export type StoredWeights = ReadonlyMap<string, readonly StoredBlob[]>;

/** A blob of a message; `what` names it in errors. Throws NetrunError if its shape and its number of values differ. */
export function storedBlob(blob: BlobProto, what: string, file?: string): StoredBlob {
  const shape = blobShape(blob);
  const data = blobValues(blob);
  const diff = blobDiff(blob);
  checkCount(shape, data.length, what, file);
  if (diff.length > 0) checkCount(shape, diff.length, `the gradient of ${what}`, file);
  return { shape, data, ...(diff.length > 0 && { diff }), ...(isLegacy(blob) && !blob.shape && { legacy: true }) };
}

/** Notes for a layer that has another number of blobs in a file than in a net, where forks are known to have that. */
export function notesOnCounts(inNet: number, inFile: number): readonly string[] {
  if (inNet !== 3 || inFile !== 5) return [];
  return [
    "BatchNorm layers of Intel's and NVIDIA's Caffe have a trained scale and bias as blobs 4 and 5: write batch_norm_param { scale_bias: true }",
  ];
}

function checkCount(shape: readonly number[], length: number, what: string, file: string | undefined): void {
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (count === length && shape.every((dim) => dim >= 0)) return;
  throw new NetrunError(`${what} has shape [${shape}] but ${length} values`, { file, notes: ["the file is damaged"] });
}
