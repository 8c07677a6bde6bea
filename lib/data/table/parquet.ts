import { statSync } from "node:fs";
import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../error.js";
import { recordBatch } from "../columns.js";
import { count } from "../../graph/type.js";
import { type DataSource, type Field, rowsPerBatch, type Shard, shardRange } from "../source.js";
import { columnOfCells, fieldOfCell, type TableField } from "./cells.js";
import { LabelSet } from "./labels.js";
import { ParquetReader } from "./parquet-reader.js";
import { labelsOf } from "./rows.js";

interface Table {
  readonly path: string;
  readonly reader: ParquetReader;
  /** Rows of each row group. */
  readonly groups: readonly number[];
  readonly fields: readonly TableField[];
}

/**
 * The rows of a Parquet file, one row group in memory at a time. Columns of numbers, booleans, lists, bytes and texts (as
 * indices into their different texts, sorted) are fields; others are left out. Throws a NetrunError where the file is damaged.
 */
export async function parquetSource(path: string): Promise<DataSource> {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw new NetrunError("no such file", { file: path });
  const { reader, groups } = await ParquetReader.open(path);
  try {
    return await openTable(path, reader, groups);
  } catch (error) {
    await reader[Symbol.asyncDispose]();
    throw error;
  }
}

async function openTable(path: string, reader: ParquetReader, groups: readonly number[]): Promise<DataSource> {
  const length = groups.reduce((sum, rows) => sum + rows, 0);
  if (length === 0) throw new NetrunError("the file has no rows", { file: path });
  const { fields, unusable } = await survey({ path, reader, groups, fields: [] });
  const table: Table = { path, reader, groups, fields };
  return {
    length,
    fields: Object.fromEntries(fields.map(({ name, dtype, shape }): [string, Field] => [name, { dtype, shape }])),
    labels: labelsOf(fields),
    unusable,
    batches: (shard, from) => batches(table, length, shard, from ?? 0),
    locate: (index) => `${path}: row ${index}`,
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

async function survey(table: Table) {
  const [first] = await table.reader.rows(0, 1);
  const fields: TableField[] = [];
  const unusable: Record<string, string> = {};
  if (!first) throw damaged(table.path, "the first row is missing");
  for (const [name, cell] of Object.entries(first)) {
    const labels = typeof cell === "string" ? await labelsIn(table, name) : undefined;
    const field = fieldOfCell(name, cell, labels);
    if (typeof field === "string") unusable[name] = field;
    else fields.push(field);
  }
  return { fields, unusable };
}

async function labelsIn(table: Table, column: string): Promise<readonly string[] | undefined> {
  const labels = new LabelSet();
  for (const { start, end } of rowGroups(table.groups))
    for (const row of await table.reader.rows(start, end, [column]))
      if (typeof row[column] === "string") labels.add(row[column]);
  return labels.sorted();
}

async function* batches(table: Table, length: number, shard: Shard, from: number): AsyncGenerator<RecordBatch> {
  const range = shardRange(shard, length);
  const bytes = table.fields.reduce((sum, { dtype, shape }) => sum + (dtype === "image" ? 16384 : 8 * count(shape)), 0);
  const step = rowsPerBatch(bytes);
  const names = table.fields.map(({ name }) => name);
  for (const group of rowGroups(table.groups)) {
    const start = Math.max(group.start, range.start + from);
    const end = Math.min(group.end, range.end);
    if (start >= end) continue;
    const rows = await table.reader.rows(start, end, names);
    if (rows.length !== end - start) throw damaged(table.path, `rows after ${start + rows.length} are missing`);
    for (let at = 0; at < rows.length; at += step) {
      const part = rows.slice(at, at + step);
      const where = (row: number): string => `${table.path}: row ${start + at + row}`;
      const columns = table.fields.map((field) => [
        field.name,
        columnOfCells(field, part.length, (row) => part[row]![field.name], where),
      ]);
      yield recordBatch(Object.fromEntries(columns), part.length, labelsOf(table.fields));
    }
  }
}

function* rowGroups(groups: readonly number[]): Generator<{ start: number; end: number }> {
  let start = 0;
  for (const rows of groups) {
    yield { start, end: start + rows };
    start += rows;
  }
}

function damaged(path: string, cause: unknown): NetrunError {
  return new NetrunError("the Parquet file cannot be read", { file: path, notes: [String(cause)], cause });
}
