import type { RecordBatch } from "apache-arrow";

/** The element types that a field of a source can have. */
export type FieldDType = "uint8" | "int32" | "float32" | "float64" | "image";

/**
 * Description of a column in each row: a tensor of `shape` ([] is a scalar), or, where dtype is "image", an
 * encoded image (JPEG, PNG, ...) whose shape, then [], shows only when it is decoded.
 */
export interface Field {
  readonly dtype: FieldDType;
  readonly shape: readonly number[];
}

/** One of `count` disjoint parts of a source that together are the whole; parts are contiguous and differ by at most one row. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** The whole source as one shard. */
export const WHOLE: Shard = { index: 0, count: 1 };

/** The rows [start, end) of a source of `length` rows that belong to a shard. */
export function shardRange(shard: Shard, length: number): { readonly start: number; readonly end: number } {
  return {
    start: Math.floor((shard.index * length) / shard.count),
    end: Math.floor(((shard.index + 1) * length) / shard.count),
  };
}

/** Rows as Arrow record batches (see columns.ts for their form). Pulling is the back-pressure. */
export interface DataSource extends AsyncDisposable {
  /** Rows in the whole source. */
  readonly length: number;
  /** The fields of the first row by name, in order; later record batches may hold rows of another shape. */
  readonly fields: Readonly<Record<string, Field>>;
  /** The texts that stand for 0, 1, 2, ... in the fields that were texts. */
  readonly labels?: Readonly<Record<string, readonly string[]>>;
  /** Reason why a lookalike is no field, by name. */
  readonly unusable?: Readonly<Record<string, string>>;
  /** The records that cannot be used, where they are known before they are read, and where the first is and why. */
  readonly failures?: { readonly count: number; readonly first: string } | undefined;
  /** Rows of the parts that are read as wholes, where there are such: record batches, row groups, chunks. */
  readonly parts?: readonly number[] | undefined;
  /** Rows of the parts that a shuffle puts in order and mixes only inside: the files of HDF5Data, as in Caffe. */
  readonly groups?: readonly number[] | undefined;
  /**
   * One epoch of a shard's rows, from the shard's row `from` on. Sources that shuffle give each epoch another order,
   * the same for all shards, so that shards stay disjoint. Ending the iteration early frees what it holds.
   */
  batches(shard: Shard, from?: number, epoch?: number): AsyncIterable<RecordBatch>;
  /** Origin of row `index` of `epoch` (file, key or line), for messages about it. */
  locate(index: number, epoch?: number): string | Promise<string>;
}

/** Rows in a record batch so that it holds about 256 KiB: small enough for caches, large enough to cost little per row. */
export function rowsPerBatch(bytesPerRow: number): number {
  return Math.max(1, Math.min(1024, Math.floor(2 ** 18 / Math.max(1, bytesPerRow))));
}
