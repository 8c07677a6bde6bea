import { closeSync, openSync } from "node:fs";
import { Field, FixedSizeList, Float32, makeData, RecordBatch, Schema, Struct } from "apache-arrow";
import { NetrunError } from "../error.js";
import { replaceFile, writeAll } from "../file.js";
import { writeArrow } from "./source/arrow/write.js";

/** A column of rows of floats, `width` in each. */
export interface RowColumn {
  readonly name: string;
  readonly width: number;
}

/** Some rows: for each column all its values, row by row. */
export interface RowValues {
  readonly length: number;
  readonly values: readonly Float32Array[];
}

type Write = (path: string, columns: readonly RowColumn[], rows: AsyncIterable<RowValues>) => Promise<void>;

const WRITERS = { arrow: writeArrowRows, parquet: writeParquetRows, csv: writeCsvRows } as const satisfies Record<
  string,
  Write
>;

/**
 * Writes rows as they come, to Arrow (fixed-size lists), Parquet (lists) or CSV (a column a value), by the name's ending.
 * The file is whole or not there. Throws NetrunError for another ending.
 */
export function writeRows(path: string, columns: readonly RowColumn[], rows: AsyncIterable<RowValues>): Promise<void> {
  return writerOf(path)(path, columns, rows);
}

/** The writer for a file's name. Throws NetrunError where there is none. */
export function writerOf(path: string): Write {
  const ending = path.split(".").at(-1)!;
  if (Object.hasOwn(WRITERS, ending)) return WRITERS[ending as keyof typeof WRITERS];
  throw new NetrunError(`what kind of file is ${path}?`, { notes: ["give it the ending .arrow, .parquet or .csv"] });
}

async function writeArrowRows(
  path: string,
  columns: readonly RowColumn[],
  rows: AsyncIterable<RowValues>,
): Promise<void> {
  const types = columns.map(({ width }) => new FixedSizeList(width, new Field("item", new Float32(), false)));
  const schema = new Schema(columns.map(({ name }, i) => new Field(name, types[i]!, false)));
  async function* batches() {
    for await (const { length, values } of rows) {
      const children = types.map((type, i) => {
        const child = makeData({ type: new Float32(), length: values[i]!.length, nullCount: 0, data: values[i]! });
        return makeData({ type, length, nullCount: 0, child });
      });
      yield new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }));
    }
  }
  await writeArrow(path, batches());
}

async function writeParquetRows(
  path: string,
  columns: readonly RowColumn[],
  rows: AsyncIterable<RowValues>,
): Promise<void> {
  const { fileWriter, parquetWriteRows } = await import("hyparquet-writer");
  const schema = columns.flatMap(({ name }) => [
    { name, repetition_type: "REQUIRED" as const, converted_type: "LIST" as const, num_children: 1 },
    { name: "list", repetition_type: "REPEATED" as const, num_children: 1 },
    { name: "element", repetition_type: "REQUIRED" as const, type: "FLOAT" as const },
  ]);
  async function* records() {
    for await (const { length, values } of rows) {
      for (let row = 0; row < length; row++) {
        yield Object.fromEntries(columns.map(({ name, width }, i) => [name, [...slice(values[i]!, row, width)]]));
      }
    }
  }
  await replaceFile(path, async (temporary) => {
    await parquetWriteRows({
      writer: fileWriter(temporary),
      rows: records(),
      columns: columns.map(({ name }) => ({ name })),
      schema: [{ name: "root", num_children: columns.length }, ...schema],
    });
  });
}

async function writeCsvRows(
  path: string,
  columns: readonly RowColumn[],
  rows: AsyncIterable<RowValues>,
): Promise<void> {
  const quoted = (name: string) => (/[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
  const names = columns.flatMap(({ name, width }) =>
    width === 1 ? [quoted(name)] : Array.from({ length: width }, (_, i) => quoted(`${name}_${i}`)),
  );
  await replaceFile(path, async (temporary) => {
    const fd = openSync(temporary, "w");
    try {
      writeAll(fd, Buffer.from(`${names.join(",")}\n`));
      for await (const { length, values } of rows) {
        const lines = Array.from({ length }, (_, row) =>
          columns.map(({ width }, i) => slice(values[i]!, row, width).join(",")).join(","),
        );
        writeAll(fd, Buffer.from(`${lines.join("\n")}\n`));
      }
    } finally {
      closeSync(fd);
    }
  });
}

const slice = (values: Float32Array, row: number, width: number) => values.subarray(row * width, (row + 1) * width);
