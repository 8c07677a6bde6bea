import { statSync } from "node:fs";
import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../../error.js";
import { recordBatch } from "../columns.js";
import { type DataSource, type Field, rowsPerBatch, type Shard, shardRange } from "../source.js";
import { columnsOfCells, fieldOfCell, type TableField } from "./cells.js";
import { LabelSet } from "./labels.js";
import { ParquetReader } from "./parquet-reader.js";
import { bytesPerRow, labelsOf } from "./rows.js";

/** Rows among which the first cell that is there says what a column is. */
const SURVEYED = 1000;

interface Table {
  readonly path: string;
  readonly reader: ParquetReader;
  /** Rows of each row group. */
  readonly groups: readonly number[];
  readonly fields: readonly TableField[];
  readonly missing: number | undefined;
  /** True if all columns are fields: what has been read of them all then serves. */
  readonly isWhole: boolean;
}

/** A Parquet file. */
export interface ParquetSpec {
  readonly path: string;
  /** The value of missing numbers; without it a row that lacks one cannot be used. */
  readonly missing?: number | undefined;
}

/**
 * The rows of a Parquet file, one row group in memory at a time. Columns of numbers, booleans, lists, bytes and texts (as
 * indices into their different texts, sorted) are fields; others are skipped. Throws a NetrunError where the file is damaged.
 */
export async function parquetSource({ path, missing }: ParquetSpec): Promise<DataSource> {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw new NetrunError("no such file", { file: path });
  const { reader, groups } = await ParquetReader.open(path);
  try {
    return await openTable({ path, reader, groups, missing, fields: [], isWhole: false });
  } catch (error) {
    await reader[Symbol.asyncDispose]();
    throw error;
  }
}

async function openTable(without: Table): Promise<DataSource> {
  const { path, reader, groups } = without;
  const length = groups.reduce((sum, rows) => sum + rows, 0);
  if (length === 0) throw new NetrunError("the file has no rows", { file: path });
  const { fields, unusable } = await survey(without);
  const table = { ...without, fields, isWhole: Object.keys(unusable).length === 0 };
  return {
    length,
    fields: Object.fromEntries(fields.map(({ name, dtype, shape }): [string, Field] => [name, { dtype, shape }])),
    labels: labelsOf(fields),
    unusable,
    parts: groups,
    batches: (shard, from) => batches(table, length, shard, from ?? 0),
    locate: (index) => `${path}: row ${index}`,
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

async function survey(table: Table) {
  const rows = await table.reader.rows(0, Math.min(SURVEYED, table.groups.find((each) => each > 0)!));
  const fields: TableField[] = [];
  const unusable: Record<string, string> = {};
  if (!rows[0]) throw damaged(table.path, "the first row is missing");
  for (const name of Object.keys(rows[0])) {
    const cell = rows.map((row) => row[name]).find((each) => each !== null && each !== undefined);
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
  const { fields } = table;
  const step = rowsPerBatch(bytesPerRow(fields));
  const names = table.isWhole ? undefined : fields.map(({ name }) => name);
  for (const group of rowGroups(table.groups)) {
    const start = Math.max(group.start, range.start + from);
    const end = Math.min(group.end, range.end);
    if (start >= end) continue;
    for (let at = start; at < end; at += step) {
      const rows = await table.reader.rows(at, Math.min(end, at + step), names);
      if (rows.length !== Math.min(step, end - at)) throw damaged(table.path, `rows after ${at} are missing`);
      const cell = (row: number, i: number): unknown => rows[row]![fields[i]!.name];
      const { columns, failures } = columnsOfCells(fields, rows.length, cell, table.missing);
      yield recordBatch(columns, rows.length, labelsOf(fields), { failures });
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
