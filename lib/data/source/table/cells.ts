import { DataType, Precision, Vector } from "apache-arrow";
import { count } from "../../../graph/type.js";
import { bytesColumn, type Column, type NumberColumn } from "../columns.js";
import type { Field } from "../source.js";

/** A column of a table that becomes a field of a source; `labels` are the texts that stand for 0, 1, 2, ... */
export interface TableField extends Field {
  readonly name: string;
  readonly labels?: readonly string[] | undefined;
}

/**
 * The field that a cell is an example of: numbers and booleans are scalars, arrays of them (nested, or typed arrays) tensors, bytes
 * an encoded image if they begin like one and else a tensor of bytes, and texts one of `labels`. Gives the
 * reason where a cell is nothing that a net takes.
 */
export function fieldOfCell(name: string, cell: unknown, labels?: readonly string[]): TableField | string {
  if (cell === null || cell === undefined) return "it has missing values";
  if (typeof cell === "string") return labels ? { name, dtype: "int32", shape: [], labels } : "it holds texts";
  if (typeof cell === "number" || typeof cell === "bigint") return { name, dtype: "float64", shape: [] };
  if (typeof cell === "boolean") return { name, dtype: "uint8", shape: [] };
  if (isTensor(cell)) return { name, dtype: cell.data instanceof Uint8Array ? "uint8" : "float32", shape: cell.shape };
  if (cell instanceof Uint8Array && isImage(cell)) return { name, dtype: "image", shape: [] };
  const shape = shapeOf(cell);
  if (!shape) return `it holds ${cell instanceof Date ? "dates" : `objects such as ${String(cell)}`}`;
  const dtype = cell instanceof Uint8Array ? "uint8" : "float32";
  return { name, dtype, shape };
}

/** A tensor as the API has it. */
interface TensorCell {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

function isTensor(cell: unknown): cell is TensorCell {
  if (typeof cell !== "object" || cell === null || !("shape" in cell) || !("data" in cell)) return false;
  return Array.isArray(cell.shape) && isArray(cell.data) && cell.data.length === count(cell.shape as number[]);
}

/** Tests whether bytes begin like a JPEG, PNG, GIF, WebP, TIFF or BMP file. */
function isImage(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 4)).toString("latin1");
  return /^(\xff\xd8\xff|\x89PNG|GIF8|RIFF|II\*\0|MM\0\*|BM)/.test(head) && bytes.length > 16;
}

/** The shape of nested arrays, which have to be rectangular; undefined for what is no array of numbers. */
function shapeOf(cell: unknown): readonly number[] | undefined {
  if (typeof cell === "number" || typeof cell === "bigint" || typeof cell === "boolean") return [];
  if (!isArray(cell)) return undefined;
  if (ArrayBuffer.isView(cell)) return [cell.length];
  const first = Array.prototype.find.call(cell, (each) => each !== null && each !== undefined) as unknown;
  const inner = first === undefined ? [] : shapeOf(first);
  return inner && [cell.length, ...inner];
}

/** A cell without Arrow's own classes: lists come as vectors. */
export function plain(cell: unknown): unknown {
  if (typeof cell !== "object" || cell === null || ArrayBuffer.isView(cell)) return cell;
  if (!(cell instanceof Vector)) return cell;
  // A vector's array has any number where there is none, and the bits of numbers in half precision.
  if (cell.nullCount > 0) return Array.from(cell as Iterable<unknown>, plain);
  if (DataType.isFloat(cell.type) && cell.type.precision === Precision.HALF)
    return Float32Array.from(cell as Iterable<number>);
  const array: unknown = cell.toArray();
  return Array.isArray(array) ? array.map(plain) : array;
}

function isArray(cell: unknown): cell is ArrayLike<unknown> {
  return Array.isArray(cell) || (ArrayBuffer.isView(cell) && !(cell instanceof DataView));
}

/** Conversion of cells to a column. */
export interface CellOptions {
  /** The value of a number that is missing; without it, it is a failure. */
  readonly missing?: number | undefined;
  /** Gets the rows that cannot be used, and why: a message and a note that says what was wanted. */
  readonly failures: Map<number, string>;
}

/**
 * The cells of a field as a column; `cell(i)` gives row i's. A cell that is missing, or of another type or shape than the field,
 * is among the failures afterwards.
 */
function columnOfCells(
  field: TableField,
  rows: number,
  cell: (row: number) => unknown,
  { failures, missing }: CellOptions,
): Column {
  const bad = (row: number, what: string): void => {
    if (!failures.has(row)) failures.set(row, `column "${field.name}" ${what}\n${wanted(field)} was wanted`);
  };
  if (field.dtype === "image")
    return bytesColumn(rows, (row) => {
      const bytes = cell(row);
      if (bytes instanceof Uint8Array) return bytes;
      bad(row, `has ${kindOfCell(bytes)}`);
      return new Uint8Array(0);
    });
  const n = count(field.shape);
  const values = emptyValues(field.dtype, rows * n);
  const indices = field.labels && new Map(field.labels.map((label, i) => [label, i]));
  for (let row = 0; row < rows; row++) {
    const value = cell(row);
    const problem = indices
      ? putLabel(values, row, value, indices)
      : put({ values, shape: field.shape, missing }, row * n, value, 0);
    if (problem !== undefined) bad(row, problem);
  }
  return { dtype: field.dtype, shape: field.shape, values };
}

/** The columns of some fields' cells and the rows that cannot be used; `cell(row, i)` is of field number i. */
export function columnsOfCells(
  fields: readonly TableField[],
  rows: number,
  cell: (row: number, field: number) => unknown,
  missing?: number,
): { readonly columns: Readonly<Record<string, Column>>; readonly failures: ReadonlyMap<number, string> } {
  const failures = new Map<number, string>();
  const columns = fields.map((field, i) => {
    return [field.name, columnOfCells(field, rows, (row) => cell(row, i), { missing, failures })] as const;
  });
  return { columns: Object.fromEntries(columns), failures };
}

function putLabel(
  values: NumberColumn["values"],
  row: number,
  value: unknown,
  indices: ReadonlyMap<string, number>,
): string | undefined {
  const index = indices.get(String(value));
  if (index === undefined) return `has ${kindOfCell(value)}, which is not one of its labels`;
  values[row] = index;
  return undefined;
}

interface Target {
  readonly values: NumberColumn["values"];
  readonly shape: readonly number[];
  readonly missing: number | undefined;
}

/** Writes a cell's numbers from `at` on; gives what is wrong with it, if something is. */
function put(target: Target, at: number, cell: unknown, axis: number): string | undefined {
  const { values, shape, missing } = target;
  if (axis === shape.length) {
    const value = missing !== undefined && isMissing(cell) ? missing : cell;
    if (typeof value !== "number" && typeof value !== "bigint" && typeof value !== "boolean")
      return `has ${kindOfCell(value)}`;
    values[at] = Number(value);
    return undefined;
  }
  const dim = shape[axis]!;
  if (isTensor(cell)) {
    if (cell.shape.join() !== shape.slice(axis).join()) return `has a tensor of the shape [${cell.shape}]`;
    values.set(cell.data, at);
    return undefined;
  }
  if (!isArray(cell)) return `has ${kindOfCell(cell)}`;
  if (cell.length !== dim) return `has ${cell.length} values`;
  if (ArrayBuffer.isView(cell) && axis === shape.length - 1 && !isBig(cell)) {
    values.set(cell as unknown as ArrayLike<number>, at);
    return undefined;
  }
  const step = count(shape, axis + 1);
  for (let i = 0; i < dim; i++) {
    const problem = put(target, at + i * step, cell[i], axis + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const isMissing = (cell: unknown): boolean => cell === null || cell === undefined || Number.isNaN(cell);

function isBig(cell: ArrayBufferView): boolean {
  return cell instanceof BigInt64Array || cell instanceof BigUint64Array;
}

function emptyValues(dtype: NumberColumn["dtype"], n: number): NumberColumn["values"] {
  switch (dtype) {
    case "uint8":
      return new Uint8Array(n);
    case "int32":
      return new Int32Array(n);
    case "float32":
      return new Float32Array(n);
    case "float64":
      return new Float64Array(n);
  }
}

/** Kind of a cell, in the words of an error. */
export function kindOfCell(cell: unknown): string {
  if (cell === null || cell === undefined) return "a missing value";
  if (typeof cell === "string")
    return `the text ${JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}...` : cell)}`;
  if (isArray(cell)) return `an array of ${cell.length}`;
  return typeof cell === "object" ? "an object" : `a ${typeof cell}`;
}

function wanted(field: TableField): string {
  if (field.labels) return `one of ${field.labels.length} labels`;
  if (field.dtype === "image") return "an encoded image";
  return field.shape.length === 0 ? "a number" : `a tensor of the shape [${field.shape}]`;
}
