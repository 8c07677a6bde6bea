import { existsSync } from "node:fs";
import type { RecordBatch } from "apache-arrow";
import h5wasm, { type Dataset, type File, Module } from "h5wasm/node";
import { NetrunError } from "../../error.js";
import { halfValue } from "../../graph/half.js";
import { count } from "../../graph/type.js";
import { type NumberColumn, recordBatch } from "./columns.js";
import { type DataSource, type Field, rowsPerBatch, type Shard, shardRange } from "./source.js";

/** The files, and the datasets that are wanted (all of numbers if not said). */
export interface Hdf5Spec {
  readonly files: readonly string[];
  readonly datasets?: readonly string[] | undefined;
}

/** The largest chunk that is read as a whole. */
const CHUNK_BYTES = 16 * 2 ** 20;

/**
 * Rows of HDF5 files one after another: row i of each dataset together, as float32. Read by and by. Throws a NetrunError where files are damaged, lack a dataset or disagree in shape.
 */
export async function hdf5Source(spec: Hdf5Spec): Promise<DataSource> {
  // Without this the library prints its errors and returns values that are none.
  (await h5wasm.ready).activate_throwing_error_handler();
  if (spec.files.length === 0) throw new NetrunError("no HDF5 files are listed");
  const names = spec.datasets ?? datasetsIn(spec.files[0]!);
  const files = spec.files.map((path) => survey(path, names));
  const first = files[0]!;
  for (const file of files.slice(1)) checkAlike(first, file);
  const length = files.reduce((sum, file) => sum + file.rows, 0);
  if (length === 0) throw new NetrunError("the HDF5 files have no rows", { file: spec.files[0] });
  return {
    length,
    fields: first.fields,
    parts: files.flatMap(({ rows, stride }) =>
      Array.from({ length: Math.ceil(rows / stride) }, (_, i) => Math.min(stride, rows - i * stride)),
    ),
    groups: files.map(({ rows }) => rows),
    batches: (shard, from) => batches(files, length, shard, from ?? 0),
    locate: (index) => locate(files, index),
    [Symbol.asyncDispose]: async () => {},
  };
}

/** What is known of a file without reading its values. */
interface Survey {
  readonly path: string;
  readonly rows: number;
  /** Rows that are read at a time. */
  readonly stride: number;
  readonly fields: Readonly<Record<string, Field>>;
}

async function* batches(
  files: readonly Survey[],
  length: number,
  shard: Shard,
  from: number,
): AsyncGenerator<RecordBatch> {
  const { start, end } = shardRange(shard, length);
  let first = 0;
  for (const file of files) {
    const low = Math.max(start + from, first) - first;
    const high = Math.min(end, first + file.rows) - first;
    if (low < high) yield* fileBatches(file, low, high);
    first += file.rows;
  }
}

async function* fileBatches(survey: Survey, low: number, high: number): AsyncGenerator<RecordBatch> {
  const { path, fields, stride } = survey;
  const file = open(path);
  try {
    for (let at = low; at < high; ) {
      const to = Math.min(high, (Math.floor(at / stride) + 1) * stride);
      const columns: Record<string, NumberColumn> = {};
      for (const [name, { shape }] of Object.entries(fields)) {
        const values = floats(path, name, () => slice(dataset(file, name)!, at, to));
        columns[name] = { dtype: "float32", shape, values };
      }
      yield recordBatch(columns, to - at);
      at = to;
    }
  } finally {
    close(file);
  }
}

/** HDF5's class of floats. */
const FLOAT = 1;

/** Rows [from, to) of a dataset. */
function slice(found: Dataset, from: number, to: number): unknown {
  const { type, size } = found.metadata;
  return type === FLOAT && size === 2 ? halves(found, from, to) : found.slice([[from, to]]);
}

/** Rows of numbers in half precision, for which the library has no array: their bits are fetched as it fetches others. */
function halves(found: Dataset, from: number, to: number): Float32Array {
  const shape = found.shape!;
  const offset = shape.map((_, axis) => BigInt(axis === 0 ? from : 0));
  const counts = shape.map((dim, axis) => BigInt(axis === 0 ? to - from : dim));
  const bytes = 2 * (to - from) * count(shape.slice(1));
  const at = Module._malloc(bytes);
  try {
    const strides = shape.map(() => 1n);
    Module.get_dataset_data(found.file_id, found.path, counts, offset, strides, BigInt(at));
    return Float32Array.from(new Uint16Array(Module.HEAPU8.slice(at, at + bytes).buffer), halfValue);
  } finally {
    Module._free(at);
  }
}

function floats(path: string, name: string, read: () => unknown): Float32Array {
  let values: unknown;
  try {
    values = read();
  } catch (cause) {
    throw new NetrunError(`dataset "${name}" cannot be read`, { file: path, notes: [reason(cause)], cause });
  }
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) return Float32Array.from(values, Number);
  if (!ArrayBuffer.isView(values)) throw new NetrunError(`dataset "${name}" cannot be read`, { file: path });
  return values instanceof Float32Array ? values : Float32Array.from(values as Float64Array);
}

function survey(path: string, datasets: readonly string[]): Survey {
  return withFile(path, (file) => {
    const fields: Record<string, Field> = {};
    let rows: number | undefined;
    for (const name of datasets) {
      const shape = shapeOf(file, path, name);
      rows ??= shape[0]!;
      if (shape[0] !== rows)
        throw new NetrunError(`dataset "${name}" has ${shape[0]} rows, "${datasets[0]}" has ${rows}`, { file: path });
      fields[name] = { dtype: "float32", shape: shape.slice(1) };
    }
    const rowBytes = Object.values(fields).reduce((sum, { shape }) => sum + 4 * count(shape), 0);
    const chunks = datasets.map((name) => dataset(file, name)!.metadata.chunks?.[0] ?? 1);
    return { path, rows: rows ?? 0, stride: strideOf(rowBytes, Math.max(...chunks)), fields };
  });
}

/** Reading a part of a compressed chunk unpacks all of it: whole ones are read, unless they are too large to be held. */
function strideOf(rowBytes: number, chunk: number): number {
  const few = rowsPerBatch(rowBytes);
  return chunk * rowBytes > CHUNK_BYTES ? few : Math.ceil(few / chunk) * chunk;
}

function datasetsIn(path: string): readonly string[] {
  return withFile(path, (file) => {
    const names = file.keys().filter((name) => {
      const found = dataset(file, name);
      return found?.shape && found.shape.length > 0 && found.metadata.type <= 1;
    });
    if (names.length === 0) throw new NetrunError("the file has no datasets of numbers", { file: path });
    return names;
  });
}

function shapeOf(file: File, path: string, name: string): readonly number[] {
  const found = dataset(file, name);
  if (!found)
    throw new NetrunError(`there is no dataset "${name}"`, {
      file: path,
      notes: [`the file has ${file.keys().join(", ")}; HDF5Data takes the datasets that are named like its tops`],
    });
  const { shape, metadata } = found;
  // HDF5's classes 0 and 1: integers and floats, what Caffe reads.
  if (!shape || shape.length === 0 || metadata.type > 1)
    throw new NetrunError(`dataset "${name}" is not an array of numbers`, { file: path });
  return shape;
}

function dataset(file: File, name: string): Dataset | undefined {
  const found = file.keys().includes(name) ? file.get(name) : null;
  return found instanceof h5wasm.Dataset ? found : undefined;
}

/** Opens a file for the time of a function; whatever HDF5 has to say about it is a NetrunError. */
function withFile<T>(path: string, use: (file: File) => T): T {
  const file = open(path);
  try {
    return use(file);
  } catch (cause) {
    throw cause instanceof NetrunError ? cause : damaged(path, cause);
  } finally {
    close(file);
  }
}

function open(path: string): File {
  try {
    return new h5wasm.File(path, "r");
  } catch (cause) {
    throw existsSync(path) ? damaged(path, cause) : new NetrunError("no such file", { file: path, cause });
  }
}

function close(file: File): void {
  try {
    file.close();
  } catch {
    // A damaged file may refuse that too; what is wrong with it has been said.
  }
}

function damaged(path: string, cause: unknown): NetrunError {
  return new NetrunError("not an HDF5 file, or damaged", { file: path, notes: [reason(cause)], cause });
}

/** HDF5 reports the calls from the outside in; the last line that has a reason is the one that says something. */
function reason(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return [...text.matchAll(/\(\): (.+)/g)].at(-1)?.[1] ?? text;
}

function checkAlike(first: Survey, other: Survey): void {
  for (const [name, { shape }] of Object.entries(first.fields)) {
    const there = other.fields[name]!.shape;
    if (there.join() !== shape.join())
      throw new NetrunError(`dataset "${name}" has rows of the shape [${there}], in ${first.path} [${shape}]`, {
        file: other.path,
      });
  }
}

function locate(files: readonly Survey[], index: number): string {
  let first = 0;
  for (const { path, rows } of files) {
    if (index < first + rows) return `${path}: row ${index - first}`;
    first += rows;
  }
  return `row ${index}`;
}
