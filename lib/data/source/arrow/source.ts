import { statSync } from "node:fs";
import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../../error.js";
import { columnsOf, fieldOf, isRecordBatchOfOurs, labelsOfSchema } from "../columns.js";
import { type DataSource, type Field, shardRange } from "../source.js";
import { type ForeignPlan, foreignPlan } from "./foreign.js";
import { type ArrowMessages, openArrow, openArrowFolder } from "./messages.js";

/** The rows of an Arrow IPC file or stream, whoever wrote it, or of a folder of such files, read one record batch at a time. Throws a NetrunError where it is empty or damaged. */
export async function arrowSource(path: string, missing?: number): Promise<DataSource> {
  const messages = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? openArrowFolder(path) : openArrow(path);
  try {
    const length = messages.rows.reduce((sum, rows) => sum + rows, 0);
    if (length === 0) throw new NetrunError("the file has no rows", { file: path });
    const first = messages.read(messages.rows.findIndex((rows) => rows > 0));
    const plan = isRecordBatchOfOurs(first) ? undefined : foreignPlan(messages, first, missing);
    const fields = plan ? plan.fields : fieldsOf(first);
    return {
      length,
      fields,
      labels: plan ? plan.labels : labelsOfSchema(first.schema),
      unusable: plan?.unusable ?? {},
      parts: messages.rows,
      batches: (shard, from = 0) => {
        const { start, end } = shardRange(shard, length);
        return rowsBetween(messages, plan, start + from, end);
      },
      locate: (index) => `${path}: row ${index}`,
      [Symbol.asyncDispose]: async () => messages.close(),
    };
  } catch (error) {
    messages.close();
    throw error;
  }
}

function fieldsOf(batch: RecordBatch): Record<string, Field> {
  return Object.fromEntries(Object.entries(columnsOf(batch)).map(([name, column]) => [name, fieldOf(column)]));
}

/** The rows [start, end) of a file, converted where there is a plan. */
export async function* rowsBetween(
  messages: ArrowMessages,
  plan: Pick<ForeignPlan, "convert"> | undefined,
  start: number,
  end: number,
): AsyncGenerator<RecordBatch> {
  let first = 0;
  for (const [index, rows] of messages.rows.entries()) {
    const low = Math.max(start, first) - first;
    const high = Math.min(end, first + rows) - first;
    if (low < high) {
      const batch = slice(messages.read(index), low, high);
      yield plan ? plan.convert(batch) : batch;
    }
    first += rows;
  }
}

function slice(batch: RecordBatch, from: number, to: number): RecordBatch {
  return from === 0 && to === batch.numRows ? batch : batch.slice(from, to);
}
