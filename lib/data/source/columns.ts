import {
  Field as ArrowField,
  Binary,
  type Data,
  type DataType,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Uint8,
} from "apache-arrow";
import { NetrunError } from "../../error.js";
import { count } from "../../graph/type.js";
import type { Field } from "./source.js";

/** A column of tensors: row i is values[i * n, (i + 1) * n) with n = count(shape). */
export interface NumberColumn {
  readonly dtype: "uint8" | "int32" | "float32" | "float64";
  readonly shape: readonly number[];
  readonly values: Uint8Array | Int32Array | Float32Array | Float64Array;
}

/** A column of encoded images: row i is bytes[offsets[i], offsets[i + 1]). */
export interface ImageColumn {
  readonly dtype: "image";
  readonly offsets: Int32Array;
  readonly bytes: Uint8Array;
}

export type Column = NumberColumn | ImageColumn;

const ELEMENT = {
  uint8: () => new Uint8(),
  int32: () => new Int32(),
  float32: () => new Float32(),
  float64: () => new Float64(),
} as const satisfies Record<NumberColumn["dtype"], () => DataType>;

/** Facts of single rows beside their values. */
export interface RowNotes {
  /** Rows that cannot be used, by their number in the record batch, and why: a message, then notes, a line each. */
  readonly failures?: ReadonlyMap<number, string>;
  /** The line of a file that each row comes from. */
  readonly lines?: Int32Array | undefined;
}

/** Names of the columns that hold the notes; no field's name begins so. */
const FAILURES = "netrun.failure";
const LINES = "netrun.line";

/** The key of a column's shape in its Arrow field's metadata, as JSON: an Arrow list alone has one dimension. */
export const SHAPE = "netrun.shape";
/** The key of the texts that a column's indices stand for, as JSON. */
const LABELS = "netrun.labels";

/**
 * Columns as an Arrow record batch of `rows` rows without copying: scalars as plain columns, tensors as
 * FixedSizeList with their shape in the field's metadata, images as Binary. `labels` are the texts that the indices of
 * some columns stand for; notes become columns of their own where there are some.
 */
export function recordBatch(
  columns: Readonly<Record<string, Column>>,
  rows: number,
  labels: Readonly<Record<string, readonly string[]>> = {},
  notes: RowNotes = {},
): RecordBatch {
  const fields: ArrowField[] = [];
  const children = [...Object.entries(columns), ...noteColumns(notes, rows)].map(([name, column]) => {
    const data = arrowData(column, rows);
    const metadata = new Map([[SHAPE, JSON.stringify(fieldOf(column).shape)]]);
    if (labels[name]) metadata.set(LABELS, JSON.stringify(labels[name]));
    fields.push(new ArrowField(name, data.type, false, metadata));
    return data;
  });
  const data = makeData({ type: new Struct(fields), length: rows, nullCount: 0, children });
  return new RecordBatch(new Schema(fields), data);
}

function noteColumns({ failures, lines }: RowNotes, rows: number): [string, Column][] {
  const columns: [string, Column][] = [];
  if (failures) columns.push([FAILURES, bytesColumn(rows, (row) => Buffer.from(failures.get(row) ?? ""))]);
  if (lines) columns.push([LINES, { dtype: "int32", shape: [], values: lines }]);
  return columns;
}

/** Bytes of any length in each row as one column. */
export function bytesColumn(rows: number, bytesOf: (row: number) => Uint8Array): ImageColumn {
  const parts = Array.from({ length: rows }, (_, row) => bytesOf(row));
  const offsets = new Int32Array(rows + 1);
  parts.forEach((part, row) => {
    offsets[row + 1] = offsets[row]! + part.length;
  });
  const bytes = new Uint8Array(offsets[rows]!);
  parts.forEach((part, row) => {
    bytes.set(part, offsets[row]);
  });
  return { dtype: "image", offsets, bytes };
}

function arrowData(column: Column, rows: number): Data {
  if (column.dtype === "image")
    return makeData({
      type: new Binary(),
      length: rows,
      nullCount: 0,
      valueOffsets: column.offsets,
      data: column.bytes,
    });
  const type = ELEMENT[column.dtype]();
  const n = count(column.shape);
  // The union of element types is wider than what each overload of makeData takes.
  const make = makeData as (props: object) => Data;
  const values = make({ type, length: rows * n, nullCount: 0, data: column.values });
  if (column.shape.length === 0) return values;
  const item = new ArrowField("item", type, false);
  return make({ type: new FixedSizeList(n, item), length: rows, nullCount: 0, child: values });
}

/** The labels that `recordBatch` was given for a schema's fields. */
export function labelsOfSchema(schema: Schema): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    schema.fields.flatMap(({ name, metadata }) => {
      const labels = metadata.get(LABELS);
      return labels === undefined ? [] : [[name, JSON.parse(labels) as readonly string[]]];
    }),
  );
}

/** Tests whether a record batch has the form that `recordBatch` gives. */
export function isRecordBatchOfOurs(batch: RecordBatch): boolean {
  return batch.schema.fields.every(({ metadata }) => metadata.has(SHAPE));
}

/** The columns of a record batch that `recordBatch` made, also after a way through a file; views, not copies. */
export function columnsOf(batch: RecordBatch): Record<string, Column> {
  const columns: Record<string, Column> = {};
  batch.schema.fields.forEach((field, i) => {
    if (field.name !== FAILURES && field.name !== LINES) columns[field.name] = columnOf(batch, field, i);
  });
  return columns;
}

/** The notes that `recordBatch` was given; an empty map where no row is bad. */
export function notesOf(batch: RecordBatch): Required<RowNotes> {
  const failures = new Map<number, string>();
  let lines: Int32Array | undefined;
  batch.schema.fields.forEach((field, i) => {
    const column = field.name === FAILURES || field.name === LINES ? columnOf(batch, field, i) : undefined;
    if (column?.dtype === "int32") lines = column.values as Int32Array;
    if (column?.dtype !== "image") return;
    for (let row = 0; row < batch.numRows; row++) {
      const text = Buffer.from(bytesIn(column, row)).toString();
      if (text !== "") failures.set(row, text);
    }
  });
  return { failures, lines };
}

/** The bytes of one row of a column of bytes. */
export function bytesIn({ bytes, offsets }: ImageColumn, row: number): Uint8Array {
  return bytes.subarray(offsets[row], offsets[row + 1]);
}

function columnOf(batch: RecordBatch, field: ArrowField, index: number): Column {
  const data = batch.data.children[index]!;
  const shape = shapeIn(field);
  if (field.type instanceof Binary) {
    const offsets = data.valueOffsets as Int32Array;
    return { dtype: "image", offsets: offsets.subarray(0, batch.numRows + 1), bytes: data.values as Uint8Array };
  }
  const isList = field.type instanceof FixedSizeList;
  const dtype = dtypeOf(isList ? (field.type as FixedSizeList).valueType : field.type, field.name);
  const n = isList ? (field.type as FixedSizeList).listSize : 1;
  const values = (isList ? data.children[0]! : data).values as NumberColumn["values"];
  const wanted = batch.numRows * n;
  const whole = isList && shape.length === 0 ? [n] : shape;
  if (values.length < wanted || count(whole) !== n)
    throw new NetrunError(`column "${field.name}" has ${values.length} values for ${batch.numRows} rows of [${whole}]`);
  return { dtype, shape: whole, values: values.subarray(0, wanted) };
}

function shapeIn({ name, metadata }: ArrowField): readonly number[] {
  const text = metadata.get(SHAPE) ?? "[]";
  if (/^\[(\d+(,\d+)*)?\]$/.test(text)) return JSON.parse(text) as number[];
  throw new NetrunError(`column "${name}" has the damaged shape ${text}`);
}

function dtypeOf(type: DataType, column: string): NumberColumn["dtype"] {
  for (const [name, make] of Object.entries(ELEMENT))
    if (String(make()) === String(type)) return name as NumberColumn["dtype"];
  throw new NetrunError(`column "${column}" has the type ${type}, which is not a tensor of numbers`);
}

/** The field that a column is an example of. */
export function fieldOf(column: Column): Field {
  return { dtype: column.dtype, shape: column.dtype === "image" ? [] : column.shape };
}
