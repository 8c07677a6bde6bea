import { NetrunError } from "../error.js";
import { refuseOther } from "./content.js";
import { decode } from "./message.js";
import { storedBlob } from "./stored.js";

/** Mean that is subtracted from rows of data: of images a mean image, [channels, height, width]. */
export interface Mean {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * The mean of a `mean.binaryproto`, a BlobProto [1, channels, height, width], or of C3D [1, channels, length, height, width]. Throws NetrunError naming the file if it is another kind
 * of file or damaged: with more or fewer values than its shape has, or with some that are not finite.
 */
export function decodeMean(bytes: Uint8Array, file: string): Mean {
  refuseOther("BlobProto", bytes, file);
  const { shape, data } = storedBlob(decode("BlobProto", bytes, file), "the mean", file);
  if (!data.every(Number.isFinite))
    throw new NetrunError("the mean has values that are not finite", { file, notes: ["the file is damaged"] });
  return { shape: shape.length >= 4 && shape[0] === 1 ? shape.slice(1) : shape, data };
}
