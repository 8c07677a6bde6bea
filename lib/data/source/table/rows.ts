import type { RecordBatch } from "apache-arrow";
import { count } from "../../../graph/type.js";
import { recordBatch } from "../columns.js";
import { rowsPerBatch } from "../source.js";
import { columnsOfCells, type TableField } from "./cells.js";

/** A row of a table: one cell for each field, in the fields' order, and where it stands. */
export interface Row {
  readonly cells: readonly unknown[];
  /** The line (or whatever else is counted) that it comes from. */
  readonly line: number;
  /** Reason why a row is invalid: a message, then notes, a line each. */
  readonly failure?: string | undefined;
}

/** About the size of an encoded image, where nothing better is known. */
const IMAGE_BYTES = 16384;

/** Bytes of a row of these fields, or about that many. */
export function bytesPerRow(fields: readonly TableField[]): number {
  return fields.reduce((sum, { dtype, shape }) => sum + (dtype === "image" ? IMAGE_BYTES : 8 * count(shape)), 0);
}

/** Rows gathered into record batches, in which those that cannot be used are noted, and the line of each. */
export async function* rowBatches(
  fields: readonly TableField[],
  rows: AsyncIterable<Row> | Iterable<Row>,
): AsyncGenerator<RecordBatch> {
  const capacity = rowsPerBatch(bytesPerRow(fields));
  let pending: Row[] = [];
  for await (const row of rows) {
    pending.push(row);
    if (pending.length < capacity) continue;
    yield rowBatch(fields, pending);
    pending = [];
  }
  if (pending.length > 0) yield rowBatch(fields, pending);
}

function rowBatch(fields: readonly TableField[], rows: readonly Row[]): RecordBatch {
  const { columns, failures } = columnsOfCells(fields, rows.length, (row, i) => rows[row]!.cells[i]);
  const all = new Map(failures);
  for (const [i, { failure }] of rows.entries()) if (failure !== undefined) all.set(i, failure);
  const lines = Int32Array.from(rows, ({ line }) => line);
  return recordBatch(columns, rows.length, labelsOf(fields), { failures: all, lines });
}

/** The labels of the fields that have some. */
export function labelsOf(fields: readonly TableField[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(fields.flatMap(({ name, labels }) => (labels ? [[name, labels]] : [])));
}
