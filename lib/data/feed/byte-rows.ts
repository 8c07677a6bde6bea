import type { Mean } from "../../caffe/mean.js";
import { count } from "../../graph/type.js";
import type { Tensor } from "../tensor.js";
import { type TransformContext, type TransformSpec, transformer } from "./transform.js";

/**
 * Conversion of bytes to a top's values, which a device does itself where bytes are sent to it. A batch of n such rows is a tensor
 * that `holdsBytes`: of each row three floats, top and left of its crop and 1 where it is mirrored, then all rows' bytes as they were read.
 */
export interface ByteRows {
  readonly top: string;
  /** The shape of a row before, [channels, height, width] where it is an image. */
  readonly shape: readonly number[];
  readonly transform: TransformSpec;
  /** Subtracted from whole rows. */
  readonly mean: Mean | undefined;
}

/** Floats of a row's place. */
export const PLACE = 3;

/** Floats that hold a batch of byte rows. */
export const floatsOf = (rows: number, bytes: number): number => PLACE * rows + Math.ceil((rows * bytes) / 4);

/** The places and the bytes in an array of floats: views of it. */
export function partsOf(data: Float32Array, rows: number, bytes: number) {
  const places = data.subarray(0, PLACE * rows);
  return { places, pixels: new Uint8Array(data.buffer, data.byteOffset + places.byteLength, rows * bytes) };
}

/** The values of rows, the first `filled` of a batch, as they would have come without being sent as bytes. */
export function valuesOf(byteRows: ByteRows, { shape, data }: Tensor, filled = shape[0] ?? 0): Tensor {
  const [rows = 0] = shape;
  const bytes = count(byteRows.shape);
  const { places, pixels } = partsOf(data, rows, bytes);
  // What is random was chosen already.
  const context: TransformContext = { phase: "TEST", seed: 0, part: 0, mean: byteRows.mean, bytes: true };
  const transform = transformer(byteRows.transform, byteRows.shape, context);
  const values = new Float32Array(count(shape));
  for (let row = 0; row < filled; row++) {
    const [top, left, mirror] = places.subarray(PLACE * row) as unknown as [number, number, number];
    transform.applyChoice(pixels, row * bytes, values, row * count(transform.shape), {
      top,
      left,
      mirror: mirror === 1,
    });
  }
  return { shape, data: values };
}
