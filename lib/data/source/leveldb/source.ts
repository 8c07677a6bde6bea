import type { RecordBatch } from "apache-arrow";
import { ClassicLevel } from "classic-level";
import { NetrunError } from "../../../error.js";
import { columnsOf, fieldOf } from "../columns.js";
import { DatumBatcher } from "../datum.js";
import { type DataSource, type Field, type Shard, shardRange } from "../source.js";
import { borrowFolder } from "./borrow.js";

type Database = ClassicLevel<Buffer, Buffer>;

/** LevelDB does not know how many records it has, nor the k-th: one walk over the keys notes every MARK-th of them. */
const MARK = 32;
/** Keys and values that are read at a time. */
const KEYS = 1024;
const VALUES = 32;
const ENCODING = { keyEncoding: "buffer", valueEncoding: "buffer", fillCache: false } as const;

/**
 * The Datums of a LevelDB folder, in key order. LevelDB writes into a folder that it opens, so that it is given a
 * borrowed one. Throws a NetrunError where the database is empty or damaged.
 */
export async function leveldbSource(path: string): Promise<DataSource> {
  const borrowed = borrowFolder(path);
  const db: Database = new ClassicLevel(borrowed.path, { ...ENCODING, createIfMissing: false });
  const close = async (): Promise<void> => {
    await db.close();
    borrowed.release();
  };
  try {
    await db.open();
    const { marks, length } = await survey(db);
    if (length === 0) throw new NetrunError("the database is empty", { file: path });
    return {
      length,
      fields: await firstFields(db),
      parts: marks.map((_, i) => Math.min(MARK, length - i * MARK)),
      batches: (shard, from) => batches(db, path, marks, length, shard, from ?? 0),
      locate: (index) => locate(db, path, marks, index),
      [Symbol.asyncDispose]: close,
    };
  } catch (cause) {
    await close();
    if (cause instanceof NetrunError) throw cause;
    throw damaged(path, cause);
  }
}

async function survey(db: Database): Promise<{ marks: Buffer[]; length: number }> {
  const marks: Buffer[] = [];
  let length = 0;
  const keys = db.keys(ENCODING);
  try {
    for (let chunk = await keys.nextv(KEYS); chunk.length > 0; chunk = await keys.nextv(KEYS))
      for (const key of chunk) if (length++ % MARK === 0) marks.push(key);
  } finally {
    await keys.close();
  }
  return { marks, length };
}

async function firstFields(db: Database): Promise<Record<string, Field>> {
  const fields: Record<string, Field> = {};
  for await (const [, value] of db.iterator({ ...ENCODING, limit: 1 })) {
    const batcher = new DatumBatcher();
    batcher.add(value);
    for (const [name, column] of Object.entries(columnsOf(batcher.flush()!))) fields[name] = fieldOf(column);
  }
  return fields;
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
  try {
    for await (const [, value] of entries(db, marks, index)) {
      if (index >= end) break;
      index++;
      const batch = batcher.add(value);
      if (batch) yield batch;
    }
  } catch (cause) {
    throw cause instanceof NetrunError ? cause : damaged(path, cause);
  }
  if (index < end) throw damaged(path, `record ${index} of ${length} is gone`);
  const rest = batcher.flush();
  if (rest) yield rest;
}

/** The entries from the index-th on. */
async function* entries(db: Database, marks: readonly Buffer[], index: number): AsyncGenerator<[Buffer, Buffer]> {
  const mark = marks[Math.floor(index / MARK)];
  if (mark === undefined) return;
  let skip = index % MARK;
  const iterator = db.iterator({ ...ENCODING, gte: mark });
  try {
    for (let chunk = await iterator.nextv(VALUES); chunk.length > 0; chunk = await iterator.nextv(VALUES))
      for (const entry of chunk) if (skip-- <= 0) yield entry;
  } finally {
    await iterator.close();
  }
}

async function locate(db: Database, path: string, marks: readonly Buffer[], index: number): Promise<string> {
  for await (const [key] of entries(db, marks, index)) return describe(path, index, key);
  return `${path}: record ${index}`;
}

function describe(path: string, index: number, key: Buffer): string {
  return `${path}: record ${index} (key ${JSON.stringify(key.toString())})`;
}

function damaged(path: string, cause: unknown): NetrunError {
  const reason =
    cause instanceof Error ? ((cause.cause as Error | undefined)?.message ?? cause.message) : String(cause);
  return new NetrunError("LevelDB cannot read the database", { file: path, notes: [reason], cause });
}
