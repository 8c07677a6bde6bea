import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../../error.js";
import { columnsOf, fieldOf } from "../columns.js";
import { DatumBatcher } from "../datum.js";
import { type DataSource, type Field, type Shard, shardRange } from "../source.js";
import { LmdbCursor, type LmdbIndex } from "./cursor.js";

/**
 * The Datums of an LMDB database, in key order; `path` is its folder or file. Each iteration has its own cursor.
 * Throws a NetrunError where the database is empty or damaged.
 */
export async function lmdbSource(path: string): Promise<DataSource> {
  const cursor = new LmdbCursor(path);
  try {
    const { file, length } = cursor;
    if (!cursor.next()) throw new NetrunError("the database is empty", { file });
    const batcher = new DatumBatcher();
    const first = batcher.add(cursor.value()) ?? batcher.flush()!;
    const fields: Record<string, Field> = {};
    for (const [name, column] of Object.entries(columnsOf(first))) fields[name] = fieldOf(column);
    let index: LmdbIndex | undefined;
    const seek: Seek = (to, ordinal) => {
      index ??= to.index();
      to.seek(ordinal, index);
    };
    return {
      length,
      fields,
      batches: (shard, from) => batches(path, seek, shard, from ?? 0),
      locate: (index) => locate(path, seek, index),
      [Symbol.asyncDispose]: async () => {},
    };
  } finally {
    cursor.close();
  }
}

/** Moves a cursor to a record. */
type Seek = (cursor: LmdbCursor, ordinal: number) => void;

async function* batches(path: string, seek: Seek, shard: Shard, from: number): AsyncGenerator<RecordBatch> {
  const cursor = new LmdbCursor(path);
  try {
    const { start, end } = shardRange(shard, cursor.length);
    const batcher = new DatumBatcher();
    for (let i = start + from; i < end; i++) {
      if (i === start + from && i > 0) seek(cursor, i);
      else cursor.next();
      const batch = batcher.add(cursor.value());
      if (batch) yield batch;
    }
    const rest = batcher.flush();
    if (rest) yield rest;
  } finally {
    cursor.close();
  }
}

function locate(path: string, seek: Seek, index: number): string {
  const cursor = new LmdbCursor(path);
  try {
    seek(cursor, index);
    return describe(cursor, index);
  } finally {
    cursor.close();
  }
}

function describe(cursor: LmdbCursor, index: number): string {
  return `${cursor.file}: record ${index} (key ${JSON.stringify(cursor.key.toString())})`;
}
