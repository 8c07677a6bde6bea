import type { RecordBatch } from "apache-arrow";
import { checkAlloc } from "../../budget.js";
import {
  checkDeclared,
  type Hdf5Dataset,
  type Hdf5Entry,
  type Hdf5Group,
  type Hdf5Part,
  Hdf5Reader,
} from "../../caffe/hdf5-reader.js";
import { NetrunError } from "../../error.js";
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
 * Rows of HDF5 files one after another: row i of each dataset together, as float32. Read a part at a time. Throws a NetrunError where files are damaged, lack a dataset or disagree in shape.
 */
export async function hdf5Source(spec: Hdf5Spec): Promise<DataSource> {
  if (spec.files.length === 0) throw new NetrunError("no HDF5 files are listed");
  const reader = new Hdf5Reader(spec.files[0]!);
  try {
    return await openFiles(reader, spec);
  } catch (error) {
    await reader[Symbol.asyncDispose]();
    throw error;
  }
}

async function openFiles(reader: Hdf5Reader, spec: Hdf5Spec): Promise<DataSource> {
  let names = spec.datasets;
  // A list may name a file more than once.
  const surveys = new Map<string, Survey>();
  for (const path of spec.files) {
    if (surveys.has(path)) continue;
    const tree = await reader.tree(path, 1);
    names ??= datasetsIn(path, tree);
    surveys.set(path, surveyOf(path, tree, names));
  }
  const files = spec.files.map((path) => surveys.get(path)!);
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
    batches: (shard, from) => batches(reader, files, length, shard, from ?? 0),
    locate: (index) => locate(files, index),
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

/** Description of a file without reading its values. */
interface Survey {
  readonly path: string;
  readonly rows: number;
  /** Rows that are read at a time. */
  readonly stride: number;
  readonly fields: Readonly<Record<string, Field>>;
}

async function* batches(
  reader: Hdf5Reader,
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
    if (low < high) yield* fileBatches(reader, file, low, high);
    first += file.rows;
  }
}

async function* fileBatches(
  reader: Hdf5Reader,
  survey: Survey,
  low: number,
  high: number,
): AsyncGenerator<RecordBatch> {
  const { path, fields, stride } = survey;
  const fetch = (from: number) => {
    const to = Math.min(high, (Math.floor(from / stride) + 1) * stride);
    const sets = Object.entries(fields).map(([name, { shape }]): Hdf5Part => {
      const rest = shape.map((dim): readonly [number, number] => [0, dim]);
      return { name, ranges: [[from, to], ...rest] };
    });
    const values = reader.read(path, sets);
    // Whoever waits for it is told.
    values.catch(() => {});
    return { rows: to - from, values };
  };
  for (let at = low, next = fetch(low); at < high; ) {
    const { rows, values } = next;
    const arrays = await values;
    at += rows;
    // The next rows are read while these are used.
    if (at < high) next = fetch(at);
    const columns = Object.entries(fields).map(([name, { shape }], i): [string, NumberColumn] => [
      name,
      { dtype: "float32", shape, values: arrays[i]! },
    ]);
    yield recordBatch(Object.fromEntries(columns), rows);
  }
}

function surveyOf(path: string, tree: Hdf5Group, names: readonly string[]): Survey {
  const sets = names.map((name) => datasetNamed(tree, path, name));
  checkDeclared(path, sets);
  const fields: Record<string, Field> = {};
  const rows = sets[0]!.shape[0]!;
  for (const [i, { shape }] of sets.entries()) {
    if (shape[0] !== rows)
      throw new NetrunError(`dataset "${names[i]}" has ${shape[0]} rows, "${names[0]}" has ${rows}`, { file: path });
    fields[names[i]!] = { dtype: "float32", shape: shape.slice(1) };
  }
  const rowBytes = Object.values(fields).reduce((sum, { shape }) => sum + 4 * count(shape), 0);
  if (rowBytes === 0) throw new NetrunError("rows have no values", { file: path });
  checkAlloc(rowBytes, "a row", path);
  const chunk = sets.reduce((most, { chunks }) => Math.max(most, chunks?.[0] ?? 1), 1);
  return { path, rows, stride: strideOf(rowBytes, chunk), fields };
}

/** Reading a part of a compressed chunk unpacks all of it: whole ones are read, unless they are too large to be held. */
function strideOf(rowBytes: number, chunk: number): number {
  const few = rowsPerBatch(rowBytes);
  return chunk * rowBytes > CHUNK_BYTES ? few : Math.ceil(few / chunk) * chunk;
}

/** A dataset with rows of numbers. */
type RowSet = Hdf5Dataset & { readonly shape: readonly number[] };

// HDF5's classes 0 and 1: integers and floats, what Caffe reads.
const hasRows = (entry: Hdf5Entry): entry is RowSet =>
  entry.kind === "dataset" && entry.type <= 1 && entry.shape !== undefined && entry.shape.length > 0;

function datasetsIn(path: string, { children }: Hdf5Group): readonly string[] {
  const names = [...children].filter(([, entry]) => hasRows(entry)).map(([name]) => name);
  if (names.length === 0) throw new NetrunError("the file has no datasets of numbers", { file: path });
  return names;
}

function datasetNamed({ children }: Hdf5Group, path: string, name: string): RowSet {
  const found = children.get(name);
  if (found?.kind !== "dataset")
    throw new NetrunError(`there is no dataset "${name}"`, {
      file: path,
      notes: [
        `the file has ${[...children.keys()].join(", ")}; HDF5Data takes the datasets that are named like its tops`,
      ],
    });
  if (!hasRows(found)) throw new NetrunError(`dataset "${name}" is not an array of numbers`, { file: path });
  return found;
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
