import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../error.js";
import { recordBatch } from "./columns.js";
import { type DataSource, rowsPerBatch, type Shard, shardRange } from "./source.js";

const SHAPE = [3, 32, 32];
const PIXELS = 3 * 32 * 32;
/** Bytes of a record: the label and the pixels. */
export const CIFAR_RECORD = 1 + PIXELS;

/**
 * The binary files of CIFAR-10 one after another: records of a label's byte and a 32 x 32 image as red, green and blue
 * planes, an order that is kept, as Caffe's convert_cifar_data does. Fields data [3, 32, 32] and label. Throws a NetrunError
 * where a file is not a whole number of records.
 */
export async function cifarSource(files: readonly string[]): Promise<DataSource> {
  const sizes = files.map(rowsIn);
  const length = sizes.reduce((sum, rows) => sum + rows, 0);
  return {
    length,
    fields: { data: { dtype: "uint8", shape: SHAPE }, label: { dtype: "int32", shape: [] } },
    batches: (shard, from) => batches(files, sizes, length, shard, from ?? 0),
    locate: (index) => locate(files, sizes, index),
    [Symbol.asyncDispose]: async () => {},
  };
}

async function* batches(
  files: readonly string[],
  sizes: readonly number[],
  length: number,
  shard: Shard,
  from: number,
): AsyncGenerator<RecordBatch> {
  const { start, end } = shardRange(shard, length);
  const step = rowsPerBatch(CIFAR_RECORD);
  let first = 0;
  for (const [i, rows] of sizes.entries()) {
    const high = Math.min(end, first + rows) - first;
    for (let at = Math.max(start + from, first) - first; at < high; at += step)
      yield read(files[i]!, at, Math.min(high, at + step));
    first += rows;
  }
}

function read(path: string, from: number, to: number): RecordBatch {
  const bytes = Buffer.alloc((to - from) * CIFAR_RECORD);
  const fd = open(path);
  try {
    for (let n = 0; n < bytes.length; ) {
      const more = readSync(fd, bytes, n, bytes.length - n, from * CIFAR_RECORD + n);
      if (more === 0) throw new NetrunError("the file became shorter", { file: path });
      n += more;
    }
  } finally {
    closeSync(fd);
  }
  const values = new Uint8Array((to - from) * PIXELS);
  const labels = new Int32Array(to - from);
  for (let i = 0; i < labels.length; i++) {
    labels[i] = bytes[i * CIFAR_RECORD]!;
    values.set(bytes.subarray(i * CIFAR_RECORD + 1, (i + 1) * CIFAR_RECORD), i * PIXELS);
  }
  const data = { dtype: "uint8", shape: SHAPE, values } as const;
  return recordBatch({ data, label: { dtype: "int32", shape: [], values: labels } }, labels.length);
}

function rowsIn(path: string): number {
  const fd = open(path);
  const { size } = fstatSync(fd);
  closeSync(fd);
  if (size > 0 && size % CIFAR_RECORD === 0) return size / CIFAR_RECORD;
  throw new NetrunError(`${size} bytes are not a whole number of CIFAR-10 records (${CIFAR_RECORD} bytes each)`, {
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
