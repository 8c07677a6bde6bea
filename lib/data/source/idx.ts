import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { constants, gunzipSync } from "node:zlib";
import type { RecordBatch } from "apache-arrow";
import { checkAlloc } from "../../budget.js";
import { readBytes } from "../../caffe/files.js";
import { NetrunError } from "../../error.js";
import { count } from "../../graph/type.js";
import { recordBatch } from "./columns.js";
import { type DataSource, rowsPerBatch, type Shard, shardRange } from "./source.js";

/** The unsigned bytes of an IDX file: the dimensions after the first are a row's. */
interface Idx {
  readonly rows: number;
  readonly shape: readonly number[];
  /** The values of the rows [from, to). */
  read(from: number, to: number): Uint8Array;
  close(): void;
}

/** The element type that MNIST has. */
const UNSIGNED_BYTE = 0x08;

/**
 * A pair of IDX files as MNIST has them, gzip or not: images [rows, height, width] (or with channels), labels [rows].
 * Fields data [channels, height, width] and label. Throws a NetrunError where they are damaged or do not go together.
 * Format: 0, 0, element type, dimensions as a byte, each dimension as a big-endian uint32, values.
 */
export async function idxSource(imagesPath: string, labelsPath: string): Promise<DataSource> {
  const images = openIdx(imagesPath);
  const labels = openIdx(labelsPath);
  const { rows } = images;
  const problem =
    images.shape.length < 2 || images.shape.length > 3
      ? `${images.shape.length + 1} dimensions, not the 3 or 4 of images`
      : labels.shape.length > 0
        ? `the labels in ${labelsPath} have ${labels.shape.length + 1} dimensions, not 1`
        : labels.rows !== rows
          ? `${rows} images, but ${labels.rows} labels in ${labelsPath}`
          : rows === 0
            ? "no images"
            : undefined;
  const close = async (): Promise<void> => {
    images.close();
    labels.close();
  };
  if (problem) {
    await close();
    throw new NetrunError(problem, { file: imagesPath });
  }
  const shape = images.shape.length === 2 ? [1, ...images.shape] : images.shape;
  return {
    length: rows,
    fields: { data: { dtype: "uint8", shape }, label: { dtype: "int32", shape: [] } },
    batches: (shard, from) => batches(images, labels, shape, shard, from ?? 0),
    locate: (index) => `${imagesPath}: image ${index}`,
    [Symbol.asyncDispose]: close,
  };
}

async function* batches(
  images: Idx,
  labels: Idx,
  shape: readonly number[],
  shard: Shard,
  from: number,
): AsyncGenerator<RecordBatch> {
  const { start, end } = shardRange(shard, images.rows);
  const step = rowsPerBatch(count(shape));
  for (let at = start + from; at < end; at += step) {
    const to = Math.min(end, at + step);
    const data = { dtype: "uint8", shape, values: images.read(at, to) } as const;
    const label = { dtype: "int32", shape: [], values: Int32Array.from(labels.read(at, to)) } as const;
    yield recordBatch({ data, label }, to - at);
  }
}

function openIdx(path: string): Idx {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (cause) {
    throw new NetrunError("cannot open the file to read it", { file: path, notes: [String(cause)], cause });
  }
  const head = Buffer.alloc(4 + 255 * 4);
  const got = readSync(fd, head, 0, head.length, 0);
  if (head[0] === 0x1f && head[1] === 0x8b) {
    closeSync(fd);
    return compressedIdx(path);
  }
  try {
    const { dims, start } = header(path, head.subarray(0, got));
    const { rows, shape, bytes } = layout(path, dims);
    checkSize(path, fstatSync(fd).size, start, rows * bytes);
    return {
      rows,
      shape,
      read: (from, to) => {
        const values = new Uint8Array((to - from) * bytes);
        for (let n = 0; n < values.length; ) {
          const more = readSync(fd, values, n, values.length - n, start + from * bytes + n);
          if (more === 0) throw new NetrunError("the file became shorter", { file: path });
          n += more;
        }
        return values;
      },
      close: () => closeSync(fd),
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Bytes of a compressed file that its header is surely in. */
const HEAD_BYTES = 8192;

/**
 * gzip has no way into the middle, so that a compressed file is unpacked into memory once (MNIST: 47 MB), after its header, which
 * says how much that is.
 */
function compressedIdx(path: string): Idx {
  const packed = readBytes(path).bytes;
  // The beginning of the file alone, which zlib would call cut off.
  const options = packed.length > HEAD_BYTES ? { finishFlush: constants.Z_SYNC_FLUSH } : {};
  const { dims, start } = header(path, unpacked(path, packed.subarray(0, HEAD_BYTES), options));
  const { rows, shape, bytes } = layout(path, dims);
  const size = start + rows * bytes;
  checkAlloc(size, "its values", path);
  // One byte more, to see what goes beyond them.
  const whole = unpacked(path, packed, { maxOutputLength: size + 1 });
  checkSize(path, whole.length, start, rows * bytes);
  return { rows, shape, read: (a, b) => whole.subarray(start + a * bytes, start + b * bytes), close: () => {} };
}

function unpacked(path: string, packed: Uint8Array, options: Parameters<typeof gunzipSync>[1]): Buffer {
  try {
    return gunzipSync(packed, options);
  } catch (cause) {
    const isLonger = (cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    const what = isLonger ? "the file has more values than its header says" : "the gzip file is damaged or cut off";
    throw new NetrunError(what, { file: path, notes: isLonger ? [] : [String(cause)], cause });
  }
}

function header(path: string, head: Buffer): { dims: number[]; start: number } {
  const dimensions = head[3] ?? 0;
  const start = 4 + 4 * dimensions;
  if (head[0] !== 0 || head[1] !== 0 || dimensions === 0 || head.length < start)
    throw new NetrunError("not an IDX file", { file: path });
  if (head[2] !== UNSIGNED_BYTE)
    throw new NetrunError(`IDX element type 0x${head[2]!.toString(16)}; only unsigned bytes (0x08) are read`, {
      file: path,
    });
  return { dims: Array.from({ length: dimensions }, (_, i) => head.readUInt32BE(4 + 4 * i)), start };
}

function layout(path: string, dims: readonly number[]) {
  const [rows = 0, ...shape] = dims;
  const bytes = count(shape);
  if (!Number.isSafeInteger(rows * bytes) || (rows > 0 && bytes === 0))
    throw new NetrunError(`its dimensions [${dims}] are impossible`, { file: path, notes: ["the file is damaged"] });
  return { rows, shape, bytes };
}

function checkSize(path: string, size: number, start: number, wanted: number): void {
  const values = size - start;
  if (values === wanted) return;
  const promise = `its header promises ${wanted} bytes of values, there are ${values}`;
  const what = values < wanted ? "the file is cut off" : "the file has more values than its header says";
  throw new NetrunError(`${what}: ${promise}`, { file: path });
}
