import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../../error.js";
import { columnsOf, fieldOf } from "../columns.js";
import { DatumBatcher } from "../datum.js";
import { type DataSource, type Field, type Shard, shardRange } from "../source.js";
import { Database, type Record as Entry } from "./database.js";

/** LevelDB does not know how many records it has, nor the k-th: one walk over all notes the key of every MARK-th of them. */
const MARK = 32;

/**
 * The Datums of a LevelDB folder, in key order. Opening reads it once from end to end, checking every checksum.
 * Throws a NetrunError where the database is empty, and naming the file that is damaged.
 */
export async function leveldbSource(path: string): Promise<DataSource> {
  const db = new Database(path);
  try {
    const { marks, length, fields } = survey(db);
    if (length === 0) throw new NetrunError("the database is empty", { file: path });
    return {
      length,
      fields,
      parts: marks.map((_, i) => Math.min(MARK, length - i * MARK)),
      batches: (shard, from) => batches(db, path, marks, length, shard, from ?? 0),
      locate: (index) => locate(db, path, marks, index),
      [Symbol.asyncDispose]: async () => db.close(),
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

function survey(db: Database) {
  const marks: Buffer[] = [];
  const fields: Record<string, Field> = {};
  let length = 0;
  for (const [key, value] of db.records()) {
    if (length === 0) Object.assign(fields, fieldsOf(value));
    // A copy: the key is part of a block, which is not to be kept.
    if (length++ % MARK === 0) marks.push(Buffer.from(key));
  }
  return { marks, length, fields };
}

function fieldsOf(datum: Buffer): Record<string, Field> {
  const batcher = new DatumBatcher();
  batcher.add(datum);
  return Object.fromEntries(
    Object.entries(columnsOf(batcher.flush()!)).map(([name, column]) => [name, fieldOf(column)]),
  );
}

async function* batches(
  db: Database,
  path: string,
  marks: readonly Buffer[],
  length: number,
  shard: Shard,
  from: number,
): AsyncGenerator<RecordBatch> {
  const { start, end } = shardRange(shard, length);
  const batcher = new DatumBatcher();
  let index = start + from;
  for (const [, value] of entries(db, marks, index)) {
    if (index >= end) break;
    index++;
    const batch = batcher.add(value);
    if (batch) yield batch;
  }
  if (index < end) throw new NetrunError(`record ${index} of ${length} is gone`, { file: path });
  const rest = batcher.flush();
  if (rest) yield rest;
}

/** The entries from the index-th on. */
function* entries(db: Database, marks: readonly Buffer[], index: number): Generator<Entry> {
  const mark = marks[Math.floor(index / MARK)];
  if (mark === undefined) return;
  let skip = index % MARK;
  for (const entry of db.records(mark)) if (skip-- <= 0) yield entry;
}

function locate(db: Database, path: string, marks: readonly Buffer[], index: number): string {
  for (const [key] of entries(db, marks, index))
    return `${path}: record ${index} (key ${JSON.stringify(key.toString())})`;
  return `${path}: record ${index}`;
}
