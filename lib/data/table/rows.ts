import type { RecordBatch } from "apache-arrow";
import { recordBatch } from "../columns.js";
import { rowsPerBatch } from "../source.js";
import { count } from "../../graph/type.js";
import { columnOfCells, type TableField } from "./cells.js";

/** A row: one cell for each field, in the fields' order. */
export type Row = readonly unknown[];

/** Rows gathered into record batches; `where(n)` names row number n in errors, counted from 0 over all batches. */
export async function* rowBatches(
  fields: readonly TableField[],
  rows: AsyncIterable<Row> | Iterable<Row>,
  where: (row: number) => string,
): AsyncGenerator<RecordBatch> {
  const bytes = fields.reduce((sum, field) => sum + (field.dtype === "image" ? 16384 : 8 * count(field.shape)), 0);
  const capacity = rowsPerBatch(bytes);
  let pending: Row[] = [];
  let first = 0;
  const finish = (): RecordBatch => {
    const batch = rowBatch(fields, pending, (row) => where(first + row));
    first += pending.length;
    pending = [];
    return batch;
  };
  for await (const row of rows) {
    pending.push(row);
    if (pending.length === capacity) yield finish();
  }
  if (pending.length > 0) yield finish();
}

function rowBatch(fields: readonly TableField[], rows: readonly Row[], where: (row: number) => string): RecordBatch {
  const columns = fields.map((field, i) => [
    field.name,
    columnOfCells(field, rows.length, (row) => rows[row]![i], where),
  ]);
  return recordBatch(Object.fromEntries(columns), rows.length, labelsOf(fields));
}

/** The labels of the fields that have some. */
export function labelsOf(fields: readonly TableField[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(fields.flatMap(({ name, labels }) => (labels ? [[name, labels]] : [])));
}
