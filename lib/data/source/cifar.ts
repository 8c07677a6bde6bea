import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../error.js";
import { recordBatch } from "./columns.js";
import { type DataSource, rowsPerBatch, type Shard, shardRange } from "./source.js";

const SHAPE = [3, 32, 32];
const PIXELS = 3 * 32 * 32;
/** Labels before the pixels of a record, a byte each: CIFAR-100 has the class's group first. */
const LABELS = { 10: ["label"], 100: ["coarse_label", "label"] } as const;

/** Name of the data set. */
export type CifarClasses = keyof typeof LABELS;

/** The data set whose records a file of so many bytes is full of. */
export function cifarClasses(bytes: number): CifarClasses | undefined {
  return ([10, 100] as const).find((classes) => bytes > 0 && bytes % recordBytes(classes) === 0);
}

const recordBytes = (classes: CifarClasses): number => LABELS[classes].length + PIXELS;

/** The binary files of CIFAR-10 or CIFAR-100. */
export interface CifarSpec {
  readonly files: readonly string[];
  /** Default 10. */
  readonly classes?: CifarClasses | undefined;
}

/**
 * The binary files of CIFAR-10 (or CIFAR-100) one after another: records of a label's byte (or two) and a 32 x 32 image as red, green
 * and blue planes, an order that is kept, as Caffe's convert_cifar_data does. Fields data [3, 32, 32] and label (and coarse_label).
 * Throws a NetrunError where a file is not a whole number of records.
 */
export async function cifarSource({ files, classes = 10 }: CifarSpec): Promise<DataSource> {
  const sizes = files.map((path) => rowsIn(path, classes));
  const length = sizes.reduce((sum, rows) => sum + rows, 0);
  return {
    length,
    fields: {
      data: { dtype: "uint8", shape: SHAPE },
      label: { dtype: "int32", shape: [] },
      ...(classes === 100 && { coarse_label: { dtype: "int32", shape: [] } }),
    },
    batches: (shard, from) => batches(classes, files, sizes, length, shard, from ?? 0),
    locate: (index) => locate(files, sizes, index),
    [Symbol.asyncDispose]: async () => {},
  };
}

async function* batches(
  classes: CifarClasses,
  files: readonly string[],
  sizes: readonly number[],
  length: number,
  shard: Shard,
  from: number,
): AsyncGenerator<RecordBatch> {
  const { start, end } = shardRange(shard, length);
  const step = rowsPerBatch(recordBytes(classes));
  let first = 0;
  for (const [i, rows] of sizes.entries()) {
    const high = Math.min(end, first + rows) - first;
    for (let at = Math.max(start + from, first) - first; at < high; at += step)
      yield read(classes, files[i]!, at, Math.min(high, at + step));
    first += rows;
  }
}

function read(classes: CifarClasses, path: string, from: number, to: number): RecordBatch {
  const size = recordBytes(classes);
  const bytes = Buffer.alloc((to - from) * size);
  const fd = open(path);
  try {
    for (let n = 0; n < bytes.length; ) {
      const more = readSync(fd, bytes, n, bytes.length - n, from * size + n);
      if (more === 0) throw new NetrunError("the file became shorter", { file: path });
      n += more;
    }
  } finally {
    closeSync(fd);
  }
  const rows = to - from;
  const values = new Uint8Array(rows * PIXELS);
  for (let i = 0; i < rows; i++) values.set(bytes.subarray((i + 1) * size - PIXELS, (i + 1) * size), i * PIXELS);
  const labels = LABELS[classes].map((name, at) => {
    const column = Int32Array.from({ length: rows }, (_, i) => bytes[i * size + at]!);
    return [name, { dtype: "int32", shape: [], values: column }] as const;
  });
  const data = { dtype: "uint8", shape: SHAPE, values } as const;
  // The fine label first, which goes to a net's second top.
  return recordBatch({ data, ...Object.fromEntries(labels.reverse()) }, rows);
}

function rowsIn(path: string, classes: CifarClasses): number {
  const fd = open(path);
  const { size } = fstatSync(fd);
  closeSync(fd);
  const bytes = recordBytes(classes);
  if (size > 0 && size % bytes === 0) return size / bytes;
  throw new NetrunError(`${size} bytes are not a whole number of CIFAR-${classes} records (${bytes} bytes each)`, {
    file: path,
  });
}

function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    throw new NetrunError("cannot open the file to read it", { file: path, notes: [String(cause)], cause });
  }
}

function locate(files: readonly string[], sizes: readonly number[], index: number): string {
  let first = 0;
  for (const [i, rows] of sizes.entries()) {
    if (index < first + rows) return `${files[i]}: record ${index - first}`;
    first += rows;
  }
  return `record ${index}`;
}
