/** A batch of one blob: row-major float32 values, as Caffe's blobs hold them (labels too). */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
  /** True if `data` holds rows of bytes (see feed/byte-rows.ts) in place of the values of `shape`. */
  readonly holdsBytes?: boolean | undefined;
}

/** Tensors by blob name. */
export type Tensors = Readonly<Record<string, Tensor>>;
