import { statSync } from "node:fs";
import { NetrunError } from "../../../error.js";
import { readingFailed } from "../../../file.js";
import { type CsvSpec, cellsOf, isNumber } from "../table/csv.js";
import { ParquetReader } from "../table/parquet-reader.js";

/** A table in a file: which columns it has, and its rows as texts. Plain data. */
export type TableSpec =
  | ({ readonly kind: "csv" } & CsvSpec)
  | { readonly kind: "parquet"; readonly path: string }
  | { readonly kind: "arrow"; readonly path: string };

/** A row of a table as texts, one a column; a missing cell is empty. */
export interface TextRow {
  readonly cells: readonly string[];
  /** The line of a CSV file, else the number of the row from 0. */
  readonly line: number;
}

/** A table whose rows are read from the first one on, as often as wanted. */
export interface TextTable {
  readonly path: string;
  readonly columns: readonly string[];
  rows(): AsyncIterable<TextRow>;
  /** The place of a line, for errors. */
  where(line: number): string;
}

/** Opens a table. Throws NetrunError for a file that is empty or not there, and for columns without names of their own. */
export async function openTable(spec: TableSpec): Promise<TextTable> {
  if (!isFile(spec.path)) throw new NetrunError("no such file", { file: spec.path });
  const table =
    spec.kind === "csv"
      ? await csvTable(spec)
      : spec.kind === "parquet"
        ? await parquetTable(spec.path)
        : (await import("./arrow-table.js")).arrowTable(spec.path);
  const twice = table.columns.find((name, i) => table.columns.indexOf(name) < i);
  if (twice === undefined) return table;
  throw new NetrunError(`two columns have the name "${twice}"`, { file: spec.path, notes: ["give each its own"] });
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch (cause) {
    throw readingFailed(path, cause);
  }
}

async function csvTable(spec: CsvSpec): Promise<TextTable> {
  const { path } = spec;
  let first: readonly string[] | undefined;
  for await (const { record } of cellsOf(spec, false)) {
    first = record;
    break;
  }
  if (!first) throw new NetrunError("the file has no rows", { file: path });
  const header = spec.header ?? first.every((cell) => !isNumber(cell));
  return {
    path,
    columns: first.map((cell, i) => (header ? cell.trim() : `c${i}`)),
    async *rows() {
      for await (const { record, line } of cellsOf(spec, header)) yield { cells: record, line };
    },
    where: (line) => `${path}: line ${line}`,
  };
}

/** Rows of a Parquet file that are read at once. */
const STEP = 1024;

async function parquetTable(path: string): Promise<TextTable> {
  const { reader, groups } = await ParquetReader.open(path);
  await using open = reader;
  const length = groups.reduce((sum, rows) => sum + rows, 0);
  const [first] = length === 0 ? [] : await open.rows(0, 1);
  if (!first) throw new NetrunError("the file has no rows", { file: path });
  const columns = Object.keys(first);
  return {
    path,
    columns,
    async *rows() {
      await using again = (await ParquetReader.open(path)).reader;
      for (let at = 0; at < length; at += STEP)
        for (const [i, row] of (await again.rows(at, Math.min(length, at + STEP))).entries())
          yield { cells: columns.map((name) => textOf(row[name])), line: at + i };
    },
    where: (line) => `${path}: row ${line}`,
  };
}

/** A cell as a CSV file would have it. */
const textOf = (cell: unknown): string =>
  cell === null || cell === undefined ? "" : cell instanceof Date ? cell.toISOString() : String(cell);
