import { NetrunError } from "../../error.js";
import { count } from "../../graph/type.js";
import type { Column, NumberColumn } from "../columns.js";
import { imageColumn } from "../datum.js";
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
  if (cell instanceof Uint8Array && isImage(cell)) return { name, dtype: "image", shape: [] };
  const shape = shapeOf(cell);
  if (!shape) return `it holds ${cell instanceof Date ? "dates" : `objects such as ${String(cell)}`}`;
  const dtype = cell instanceof Uint8Array ? "uint8" : "float32";
  return { name, dtype, shape };
}

/** Whether bytes begin like a JPEG, PNG, GIF, WebP, TIFF or BMP file. */
function isImage(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 4)).toString("latin1");
  return /^(\xff\xd8\xff|\x89PNG|GIF8|RIFF|II\*\0|MM\0\*|BM)/.test(head) && bytes.length > 16;
}

/** The shape of nested arrays, which have to be rectangular; undefined for what is no array of numbers. */
function shapeOf(cell: unknown): readonly number[] | undefined {
  if (typeof cell === "number" || typeof cell === "bigint" || typeof cell === "boolean") return [];
  if (!isArray(cell)) return undefined;
  if (ArrayBuffer.isView(cell)) return [cell.length];
  const inner = cell.length > 0 ? shapeOf(cell[0]) : [];
  return inner && [cell.length, ...inner];
}

function isArray(cell: unknown): cell is ArrayLike<unknown> {
  return Array.isArray(cell) || (ArrayBuffer.isView(cell) && !(cell instanceof DataView));
}

/**
 * The cells of a field as a column. `cell(i)` gives row i's and `where(i)` names it in errors; throws a NetrunError that names
 * column and row where a cell is missing or of another type or shape than the field.
 */
export function columnOfCells(
  field: TableField,
  rows: number,
  cell: (row: number) => unknown,
  where: (row: number) => string,
): Column {
  const bad = (row: number, what: string): NetrunError =>
    new NetrunError(`${where(row)}: column "${field.name}" ${what}`, { notes: [`${wanted(field)} was wanted`] });
  if (field.dtype === "image") {
    const images = Array.from({ length: rows }, (_, row) => {
      const bytes = cell(row);
      if (bytes instanceof Uint8Array) return bytes;
      throw bad(row, `has ${kindOf(bytes)}`);
    });
    return imageColumn(images);
  }
  const n = count(field.shape);
  const values = emptyValues(field.dtype, rows * n);
  const indices = field.labels && new Map(field.labels.map((label, i) => [label, i]));
  for (let row = 0; row < rows; row++) {
    const value = cell(row);
    const problem = indices ? putLabel(values, row, value, indices) : put(values, row * n, value, field.shape, 0);
    if (problem !== undefined) throw bad(row, problem);
  }
  return { dtype: field.dtype, shape: field.shape, values };
}

function putLabel(
  values: NumberColumn["values"],
  row: number,
  value: unknown,
  indices: ReadonlyMap<string, number>,
): string | undefined {
  const index = indices.get(String(value));
  if (index === undefined) return `has ${kindOf(value)} ${JSON.stringify(value)}, which is none of its labels`;
  values[row] = index;
  return undefined;
}

/** Writes a cell's numbers from `at` on; gives what is wrong with it, if something is. */
function put(
  values: NumberColumn["values"],
  at: number,
  cell: unknown,
  shape: readonly number[],
  axis: number,
): string | undefined {
  if (axis === shape.length) {
    if (typeof cell !== "number" && typeof cell !== "bigint" && typeof cell !== "boolean") return `has ${kindOf(cell)}`;
    values[at] = Number(cell);
    return undefined;
  }
  const dim = shape[axis]!;
  if (!isArray(cell)) return `has ${kindOf(cell)}`;
  if (cell.length !== dim) return `has ${cell.length} values`;
  if (ArrayBuffer.isView(cell) && axis === shape.length - 1 && !isBig(cell)) {
    values.set(cell as unknown as ArrayLike<number>, at);
    return undefined;
  }
  const step = count(shape, axis + 1);
  for (let i = 0; i < dim; i++) {
    const problem = put(values, at + i * step, cell[i], shape, axis + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

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

function kindOf(cell: unknown): string {
  if (cell === null || cell === undefined) return "a missing value";
  if (typeof cell === "string") return "the text";
  if (isArray(cell)) return `an array of ${cell.length}`;
  return typeof cell === "object" ? "an object" : `a ${typeof cell}`;
}

function wanted(field: TableField): string {
  if (field.labels) return `one of ${field.labels.length} labels`;
  if (field.dtype === "image") return "an encoded image";
  return field.shape.length === 0 ? "a number" : `a tensor of the shape [${field.shape}]`;
}
