import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../error.js";
import { writeArrow } from "../arrow/write.js";
import { columnsOf, notesOf, recordBatch } from "../columns.js";
import type { DataSource } from "../source.js";
import { fieldOfCell, type TableField } from "./cells.js";
import { labelsOf, type Row, rowBatches } from "./rows.js";

/** A row of the API: a value for each field by name. */
export type NamedRow = Readonly<Record<string, unknown>>;

/**
 * Writes rows, however they come, to an Arrow file that is then a data source; the way for data that netrun has no reader for. Values are
 * numbers, booleans, arrays of them (nested or typed), encoded images as bytes, and texts where `labels` lists
 * those that stand for 0, 1, ... All rows have the first one's names, types and shapes. Gives the number of rows;
 * throws a NetrunError that names row and column of what differs.
 */
export async function saveRows(
  path: string,
  rows: AsyncIterable<NamedRow> | Iterable<NamedRow>,
  labels: Readonly<Record<string, readonly string[]>> = {},
): Promise<number> {
  let count = 0;
  const iterator = peekable(rows);
  const first = await iterator.peek();
  if (!first) throw new NetrunError("there are no rows", { file: path });
  const fields = Object.entries(first).map(([name, cell]): TableField => {
    const field = fieldOfCell(name, cell, labels[name]);
    if (typeof field !== "string") return field;
    const notes = typeof cell === "string" ? [`pass its texts: saveRows(path, rows, { ${name}: [...] })`] : [];
    throw new NetrunError(`column "${name}" is nothing that a net takes: ${field}`, { file: path, notes });
  });
  const cells = (async function* (): AsyncGenerator<Row> {
    for await (const row of iterator.all()) yield { cells: fields.map(({ name }) => row[name]), line: count++ };
  })();
  await writeArrow(path, whole(rowBatches(fields, cells), labelsOf(fields)));
  return count;
}

/** The record batches without their notes. Throws NetrunError where a row cannot be used. */
async function* whole(batches: AsyncIterable<RecordBatch>, labels: DataSource["labels"]): AsyncGenerator<RecordBatch> {
  for await (const batch of batches) {
    const { failures, lines } = notesOf(batch);
    for (const [row, why] of failures) {
      const [message, ...notes] = why.split("\n");
      throw new NetrunError(`row ${lines![row]}: ${message}`, { notes });
    }
    yield recordBatch(columnsOf(batch), batch.numRows, labels);
  }
}

function peekable<T>(items: AsyncIterable<T> | Iterable<T>) {
  const iterator = (async function* () {
    yield* items;
  })();
  let first: IteratorResult<T, unknown> | undefined;
  return {
    async peek(): Promise<T | undefined> {
      first ??= await iterator.next();
      return first.done ? undefined : first.value;
    },
    async *all(): AsyncGenerator<T> {
      if (first && !first.done) yield first.value;
      yield* iterator;
    },
  };
}
