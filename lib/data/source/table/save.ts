import { rmSync } from "node:fs";
import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../../error.js";
import { arrowSource } from "../arrow/source.js";
import { writeArrow } from "../arrow/write.js";
import { type Column, columnsOf, labelsOfSchema, notesOf, recordBatch } from "../columns.js";
import { failureError } from "../failures.js";
import { WHOLE } from "../source.js";
import { fieldOfCell, kindOfCell, plain, type TableField } from "./cells.js";
import { LabelSet, MAX_LABELS } from "./labels.js";
import { labelsOf, type Row, rowBatches } from "./rows.js";

/** A row of the API: a value for each field by name. */
export type NamedRow = Readonly<Record<string, unknown>>;

/** Rows, however they come. */
export type NamedRows = AsyncIterable<NamedRow> | Iterable<NamedRow>;

/**
 * Writes rows, however they come, to an Arrow file that is then a data source; the way for data that netrun has no reader for. Values are
 * numbers, booleans, arrays of them (nested or typed), tensors `{ shape, data }`, encoded images as bytes, and texts, which become
 * indices into `labels`, or into their different texts, sorted. All rows have the first one's names, types and shapes.
 * Gives the number of rows; throws a NetrunError that names row and column of what differs.
 */
export async function saveRows(
  path: string,
  rows: NamedRows,
  labels: Readonly<Record<string, readonly string[]>> = {},
): Promise<number> {
  let count = 0;
  const whole = async function* (): AsyncGenerator<RecordBatch> {
    for await (const batch of batchesOfRows(path, rows, labels)) {
      const { failures, lines } = notesOf(batch);
      for (const [row, why] of failures) throw failureError(`row ${lines![row]}: ${why}`);
      count += batch.numRows;
      yield batch;
    }
  };
  await writeArrow(path, withoutNotes(whole()));
  return count;
}

/**
 * Rows as record batches, in which those that differ from the first are noted; a file beside `path` holds them until all their texts
 * are known. Errors name `file`, unless it is empty. Throws a NetrunError where there are no rows, or a column is nothing that a net takes.
 */
export async function* batchesOfRows(
  path: string,
  rows: NamedRows,
  labels: Readonly<Record<string, readonly string[]>> = {},
  file = path,
): AsyncGenerator<RecordBatch> {
  const place = file === "" ? {} : { file };
  const iterator = peekable(rows);
  const first = await iterator.peek();
  if (!first) throw new NetrunError("there are no rows", place);
  const texts = new Map<string, TextColumn>();
  const fields = Object.entries(first).map(([name, cell]): TableField => {
    if (typeof cell === "string" && labels[name] === undefined) {
      texts.set(name, new TextColumn(name));
      return { name, dtype: "float64", shape: [] };
    }
    const field = fieldOfCell(name, plain(cell), labels[name]);
    if (typeof field !== "string") return field;
    throw new NetrunError(`column "${name}" is nothing that a net takes: ${field}`, place);
  });
  let line = 0;
  const cells = (async function* (): AsyncGenerator<Row> {
    for await (const row of iterator.all()) {
      const wrong = [...texts.keys()].find((name) => typeof row[name] !== "string");
      const failure = wrong && `column "${wrong}" has ${kindOfCell(row[wrong])}\na text was wanted`;
      const cell = (name: string) => (texts.has(name) ? texts.get(name)!.number(row[name]) : plain(row[name]));
      yield { cells: fields.map(({ name }) => cell(name)), line: line++, failure };
    }
  })();
  const numbered = rowBatches(fields, cells);
  if (texts.size === 0) yield* numbered;
  else yield* sortedTexts(`${path}.texts`, numbered, fields, texts);
}

/** Numbers texts in the order in which they come. */
class TextColumn {
  readonly #name: string;
  readonly #numbers = new Map<string, number>();
  readonly labels = new LabelSet();

  constructor(name: string) {
    this.#name = name;
  }

  /** Throws NetrunError for one text more than labels may be: rows may have no end. */
  number(cell: unknown): number {
    // A row without a text is noted; it has some number all the same.
    if (typeof cell !== "string") return 0;
    const known = this.#numbers.get(cell);
    if (known !== undefined) return known;
    if (this.#numbers.size === MAX_LABELS)
      throw new NetrunError(`column "${this.#name}" has too many different texts to be labels`);
    this.labels.add(cell);
    this.#numbers.set(cell, this.#numbers.size);
    return this.#numbers.size - 1;
  }

  /** By the numbers so far, those in the sorted texts. */
  ranks(sorted: readonly string[]): Int32Array {
    const places = new Map(sorted.map((text, i) => [text, i]));
    return Int32Array.from(this.#numbers.keys(), (text) => places.get(text)!);
  }
}

/** Columns of texts whose numbers are known at the end only: what is there until then waits in a file. */
async function* sortedTexts(
  path: string,
  batches: AsyncIterable<RecordBatch>,
  fields: readonly TableField[],
  texts: ReadonlyMap<string, TextColumn>,
): AsyncGenerator<RecordBatch> {
  try {
    await writeArrow(path, batches);
    const named = fields.map((field) => {
      return { ...field, labels: texts.get(field.name)?.labels.sorted() ?? field.labels };
    });
    const labels = labelsOf(named);
    const ranks = new Map([...texts].map(([name, column]) => [name, column.ranks(labels[name]!)]));
    await using source = await arrowSource(path);
    for await (const batch of source.batches(WHOLE)) {
      const columns = Object.entries(columnsOf(batch)).map(([name, column]) => [name, ranked(column, ranks.get(name))]);
      yield recordBatch(Object.fromEntries(columns), batch.numRows, labels, notesOf(batch));
    }
  } finally {
    rmSync(path, { force: true });
  }
}

function ranked(column: Column, ranks: Int32Array | undefined): Column {
  if (!ranks || column.dtype === "image") return column;
  return { dtype: "int32", shape: [], values: Int32Array.from(column.values, (number) => ranks[number]!) };
}

/** The record batches without their notes. */
async function* withoutNotes(batches: AsyncIterable<RecordBatch>): AsyncGenerator<RecordBatch> {
  for await (const batch of batches) yield recordBatch(columnsOf(batch), batch.numRows, labelsOfSchema(batch.schema));
}

function peekable<T>(items: AsyncIterable<T> | Iterable<T>) {
  const iterator = (async function* () {
    try {
      yield* items;
    } catch (cause) {
      // The caller's own error, which is not to be taken for one of the file's.
      throw cause instanceof NetrunError ? cause : new NetrunError(`reading the rows failed: ${cause}`, { cause });
    }
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
