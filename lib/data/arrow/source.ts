import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../error.js";
import { columnsOf, fieldOf } from "../columns.js";
import { type DataSource, type Field, type Shard, shardRange } from "../source.js";
import { type ArrowMessages, openArrow } from "./messages.js";

/** The rows of an Arrow IPC file, read one record batch at a time. Throws a NetrunError where it is empty or damaged. */
export async function arrowSource(path: string): Promise<DataSource> {
  const messages = openArrow(path);
  try {
    const length = messages.rows.reduce((sum, rows) => sum + rows, 0);
    if (length === 0) throw new NetrunError("the file has no rows", { file: path });
    const first = messages.read(messages.rows.findIndex((rows) => rows > 0));
    const fields: Record<string, Field> = {};
    for (const [name, column] of Object.entries(columnsOf(first))) fields[name] = fieldOf(column);
    return {
      length,
      fields,
      batches: (shard, from) => batches(messages, shard, from ?? 0, length),
      locate: (index) => `${path}: row ${index}`,
      [Symbol.asyncDispose]: async () => messages.close(),
    };
  } catch (error) {
    messages.close();
    throw error;
  }
}

async function* batches(
  messages: ArrowMessages,
  shard: Shard,
  from: number,
  length: number,
): AsyncGenerator<RecordBatch> {
  const { start, end } = shardRange(shard, length);
  let first = 0;
  for (const [index, rows] of messages.rows.entries()) {
    const low = Math.max(start + from, first) - first;
    const high = Math.min(end, first + rows) - first;
    if (low < high) yield slice(messages.read(index), low, high);
    first += rows;
  }
}

function slice(batch: RecordBatch, from: number, to: number): RecordBatch {
  return from === 0 && to === batch.numRows ? batch : batch.slice(from, to);
}
