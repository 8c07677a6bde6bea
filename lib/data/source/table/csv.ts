import { closeSync, createReadStream, openSync, readSync, statSync } from "node:fs";
import { createGunzip } from "node:zlib";
import type { RecordBatch } from "apache-arrow";
import { parse } from "csv-parse";
import { allocCounter, maxAlloc, overBudget, sizeText } from "../../../budget.js";
import { NetrunError, nearest } from "../../../error.js";
import type { DataSource } from "../source.js";
import type { TableField } from "./cells.js";
import { LabelSet } from "./labels.js";
import { type Row, rowBatches } from "./rows.js";
import { spooled } from "./spool.js";

/** A CSV or TSV file and how to read it; what is skipped is found out. */
export interface CsvSpec {
  readonly path: string;
  /** Between cells; a tab for .tsv files, else a comma, or a semicolon where the first line has these and no comma. */
  readonly delimiter?: string | undefined;
  /** True if the first row holds names; it does where none of its cells is a number. */
  readonly header?: boolean | undefined;
  /** The label's column by name or number from 0 (from the end if negative); "label" where there is one. */
  readonly label?: string | number | undefined;
  /** The value of missing numbers; without it a row that lacks one cannot be used. */
  readonly missing?: number | undefined;
}

/** Spellings of a missing number, besides nothing. */
export const MISSING = ["na", "n/a", "nan", "null", "none", "?"];

/** Spellings of booleans, in small letters. */
export const BOOLEANS: Readonly<Record<string, number>> = { true: 1, false: 0 };

/**
 * The rows of a CSV or TSV file (gzip too). With a label column the fields are `data` [columns], all other columns, which have to be
 * numbers or booleans, and `label`; without one each column is a field of its own name. Columns in which more cells are texts than numbers become
 * indices into their different texts, sorted. Rows of another length, and with a text or nothing where a number should be, cannot be
 * used. Throws a NetrunError that names file, line and column.
 */
export async function csvSource(spec: CsvSpec): Promise<DataSource> {
  if (!statSync(spec.path, { throwIfNoEntry: false })?.isFile())
    throw new NetrunError("no such file", { file: spec.path });
  const where = (line: number): string => `${spec.path}: line ${line}`;
  return spooled({ files: [spec.path], options: spec, convert: () => convert(spec), where });
}

async function* convert(spec: CsvSpec): AsyncGenerator<RecordBatch> {
  const survey = await surveyOf(spec);
  const plan = planOf(spec, survey);
  const rows = (async function* (): AsyncGenerator<Row> {
    for await (const { record, line } of cellsOf(spec, survey.header)) yield plan.row(record, line);
  })();
  yield* rowBatches(plan.fields, rows);
}

/** A column after the first pass. */
interface ColumnSurvey {
  readonly name: string;
  numbers: number;
  /** Booleans are among them. */
  texts: number;
  booleans: number;
  labels: LabelSet;
  /** True if cells are missing among the labels: those of a column that begins with numbers, and is one of numbers mostly. */
  isPartial: boolean;
}

interface Survey {
  readonly header: boolean;
  readonly columns: readonly ColumnSurvey[];
}

/** One pass over the file, and where columns begin with numbers and are texts another one: names, which columns are texts, and which texts. */
async function surveyOf(spec: CsvSpec): Promise<Survey> {
  const survey = await firstPass(spec);
  const partial = survey.columns.map((column, i) => ({ column, i })).filter((each) => isPartialText(each.column));
  if (partial.length === 0) return survey;
  for (const { column } of partial) column.labels = new LabelSet();
  for await (const { record } of cellsOf(spec, survey.header)) {
    if (record.length !== survey.columns.length) continue;
    for (const { column, i } of partial) {
      const cell = record[i]!.trim();
      if (cell !== "") column.labels.add(cell);
    }
  }
  return survey;
}

const isPartialText = (column: ColumnSurvey): boolean => column.isPartial && isText(column);

/** About what a text takes in memory beyond its characters. */
const TEXT_BYTES = 100;

async function firstPass(spec: CsvSpec): Promise<Survey> {
  const keep = allocCounter((texts) => `${texts} different texts or more`, spec.path);
  let header = spec.header;
  let columns: ColumnSurvey[] | undefined;
  for await (const { record } of cellsOf(spec, false)) {
    if (!columns) {
      header ??= record.every((cell) => !isNumber(cell));
      columns = record.map((cell, i) => ({
        name: header ? cell.trim() : `c${i}`,
        numbers: 0,
        texts: 0,
        booleans: 0,
        labels: new LabelSet(),
        isPartial: false,
      }));
      // Before much is kept of each.
      if (columns.length > MAX_FIELDS && labelColumn(spec, columns) === undefined) throw tooWide(spec, columns.length);
      if (header) continue;
    }
    if (record.length !== columns.length) continue;
    for (const [i, column] of columns.entries()) {
      const cell = record[i]!.trim();
      if (cell === "") continue;
      if (isNumber(cell)) {
        column.numbers++;
        column.isPartial ||= column.texts === 0;
      } else if (!MISSING.includes(cell.toLowerCase())) column.texts++;
      if (Object.hasOwn(BOOLEANS, cell.toLowerCase())) column.booleans++;
      if (!column.isPartial && column.labels.add(cell)) keep(TEXT_BYTES + 2 * cell.length);
    }
  }
  if (!columns || header === undefined) throw new NetrunError("the file has no rows", { file: spec.path });
  return { header, columns };
}

const isText = ({ numbers, texts }: ColumnSurvey): boolean => texts > numbers;

/** True if a cell is written as a number. */
export function isNumber(cell: string): boolean {
  return cell.trim() !== "" && !Number.isNaN(Number(cell));
}

/** A column of booleans as one of numbers. */
const asNumbers = (column: ColumnSurvey): ColumnSurvey =>
  column.texts === column.booleans ? { ...column, numbers: column.numbers + column.texts, texts: 0 } : column;

interface Plan {
  readonly fields: readonly TableField[];
  row(cells: readonly string[], line: number): Row;
}

function planOf(spec: CsvSpec, survey: Survey): Plan {
  const label = labelColumn(spec, survey.columns);
  // A label's texts are its dictionary, and so are a field's of its own.
  const columns = survey.columns.map((each, i) => (label === undefined || label === i ? each : asNumbers(each)));
  const field = (i: number, name: string): TableField => {
    const { labels } = columns[i]!;
    if (!isText(columns[i]!)) return { name, dtype: "float64", shape: [] };
    const texts = labels.sorted();
    if (texts) return { name, dtype: "int32", shape: [], labels: texts };
    throw new NetrunError(`column "${columns[i]!.name}" has too many different texts to be labels`, {
      file: spec.path,
    });
  };
  const indices = columns.map((_, i) => i);
  if (label === undefined) {
    const usable = indices.filter((i) => !isText(columns[i]!) || columns[i]!.labels.sorted());
    return {
      fields: usable.map((i) => field(i, columns[i]!.name)),
      row: rowReader(spec, columns, usable, (cells) => cells),
    };
  }
  const features = indices.filter((i) => i !== label);
  const text = features.find((i) => isText(columns[i]!));
  if (text !== undefined)
    throw new NetrunError(`column "${columns[text]!.name}" holds texts, and only numbers can be data`, {
      file: spec.path,
      notes: ["take the column out, or make it numbers"],
    });
  return {
    fields: [{ name: "data", dtype: "float32", shape: [features.length] }, field(label, "label")],
    row: rowReader(spec, columns, [...features, label], (cells) => [cells.slice(0, -1), cells.at(-1)]),
  };
}

/** Reads the cells of some columns; `arrange` puts them in the order of the fields. */
function rowReader(
  { missing }: CsvSpec,
  columns: readonly ColumnSurvey[],
  used: readonly number[],
  arrange: (cells: readonly unknown[]) => readonly unknown[],
): Plan["row"] {
  const nothing = arrange(used.map(() => 0));
  const read = (record: readonly string[]): readonly unknown[] | string => {
    if (record.length !== columns.length) return `${record.length} cells, where the first row has ${columns.length}`;
    const cells: unknown[] = [];
    for (const i of used) {
      const [column, cell] = [columns[i]!, record[i]!.trim()];
      const isNothing = cell === "" || (!isText(column) && MISSING.includes(cell.toLowerCase()));
      if (isNothing && (missing === undefined || isText(column)))
        return `column "${column.name}" has a missing value${
          isText(column) ? "" : "\ngive a value for missing ones: FILE?missing=0"
        }`;
      const value = isText(column) ? cell : (BOOLEANS[cell.toLowerCase()] ?? Number(cell));
      if (!isNothing && Number.isNaN(value))
        return `column "${column.name}" has the text ${JSON.stringify(cell)}\na number was wanted`;
      cells.push(isNothing ? missing : value);
    }
    return arrange(cells);
  };
  return (record, line) => {
    const cells = read(record);
    return typeof cells === "string" ? { cells: nothing, line, failure: cells } : { cells, line };
  };
}

function labelColumn(spec: CsvSpec, columns: readonly ColumnSurvey[]): number | undefined {
  const names = columns.map(({ name }) => name);
  if (spec.label === undefined) return names.includes("label") ? names.indexOf("label") : undefined;
  const byName = names.indexOf(String(spec.label));
  if (byName >= 0) return byName;
  const number = Number(spec.label);
  const index = number < 0 ? number + columns.length : number;
  if (Number.isInteger(index) && index >= 0 && index < columns.length) return index;
  const near = nearest(String(spec.label), names);
  throw new NetrunError(`there is no column "${spec.label}" for the label`, {
    file: spec.path,
    notes: [near ? `did you mean "${near}"?` : `columns: ${names.join(", ")}`],
  });
}

/** Spreadsheets of countries that write 1,5 put semicolons between cells. */
function usualDelimiter(path: string): string {
  if (/\.gz$/i.test(path)) return ",";
  const head = Buffer.alloc(4096);
  const fd = openSync(path, "r");
  try {
    const [first = ""] = head.toString("latin1", 0, readSync(fd, head)).split("\n", 1);
    return first.includes(";") && !first.includes(",") ? ";" : ",";
  } finally {
    closeSync(fd);
  }
}

/** Characters of the longest row: a quote that is never closed makes the rest of the file one. */
const MAX_ROW = 16 * 2 ** 20;

/** Most columns that are fields of their own: apache-arrow compares schemas in a time that grows with the square of their fields. */
const MAX_FIELDS = 10_000;

const tooWide = ({ path }: CsvSpec, columns: number): NetrunError =>
  new NetrunError(`${columns} columns, more than the ${MAX_FIELDS} that can be fields of their own`, {
    file: path,
    notes: ["name the column of the label, and all others are one field: FILE?label=NAME"],
  });

/** Text packs this well at most, unless it says the same over and over. */
const MAX_COMPRESSION = 100;

/** Throws a NetrunError where an archive holds more text than its size lets expect, beyond what a file may ask for. */
function textCounter(path: string): (chunk: Uint8Array) => void {
  const limit = MAX_COMPRESSION * statSync(path).size + maxAlloc();
  let bytes = 0;
  return (chunk) => {
    bytes += chunk.length;
    if (bytes > limit) throw overBudget(`unpacked it is larger than ${sizeText(limit)}, which is the limit`, path);
  };
}

/** A row of a CSV file, as its texts, and its line. */
export interface Cells {
  readonly record: readonly string[];
  readonly line: number;
}

/** The rows of a CSV or TSV file as texts, without the first where that holds names. Throws NetrunError for a file that is not one. */
export async function* cellsOf(spec: CsvSpec, skipFirst: boolean): AsyncGenerator<Cells> {
  const delimiter = spec.delimiter ?? (/\.tsv(\.gz)?$/i.test(spec.path) ? "\t" : usualDelimiter(spec.path));
  const bytes = createReadStream(spec.path);
  const isPacked = /\.gz$/i.test(spec.path);
  const text = isPacked ? bytes.pipe(createGunzip()) : bytes;
  const parser = text.pipe(
    parse({
      delimiter,
      bom: true,
      info: true,
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: MAX_ROW,
    }),
  );
  const forward = (error: Error): void => {
    parser.destroy(error);
  };
  const count = textCounter(spec.path);
  if (isPacked)
    text.on("data", (chunk: Uint8Array) => {
      try {
        count(chunk);
      } catch (error) {
        bytes.destroy();
        text.destroy(error as Error);
      }
    });
  bytes.on("error", forward);
  text.on("error", forward);
  try {
    let isFirst = true;
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      if (!(isFirst && skipFirst)) yield { record, line: info.lines };
      isFirst = false;
    }
  } catch (cause) {
    if (cause instanceof NetrunError) throw cause;
    throw new NetrunError(`the file is not in the form of a table: ${(cause as Error).message}`, {
      file: spec.path,
      cause,
    });
  } finally {
    bytes.destroy();
  }
}
