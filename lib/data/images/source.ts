import { readFile } from "node:fs/promises";
import type { RecordBatch } from "apache-arrow";
import { recordBatch } from "../columns.js";
import { imageColumn } from "../datum.js";
import { permutation } from "../shuffle.js";
import { type DataSource, type Shard, shardRange } from "../source.js";
import { type ImageList, readImageList } from "./list.js";

/** Which images: the list, what stands before its names, and the key of a new order for each epoch. */
export interface ImageListSpec {
  readonly list: string;
  /** Put in front of each name as it is, without a slash between, as Caffe does. */
  readonly root: string;
  readonly shuffle?: number | undefined;
}

/** Files read at a time: enough to keep a disk busy, few enough to hold in memory. */
const FILES_AT_ONCE = 32;

/** The images of a list file, as encoded bytes and a label; throws a NetrunError where the list cannot be read. */
export async function imageListSource(spec: ImageListSpec): Promise<DataSource> {
  const list = readImageList(spec.list);
  const order = epochOrder(list.length, spec.shuffle);
  return {
    length: list.length,
    fields: { data: { dtype: "image", shape: [] }, label: { dtype: "int32", shape: [] } },
    batches: (shard, from, epoch) => batches(spec, list, order(epoch ?? 0), shard, from ?? 0),
    locate: (index, epoch) => {
      const { name, line } = list.entry(order(epoch ?? 0)(index));
      return `${spec.list}:${line}: ${spec.root}${name}`;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

type Order = (index: number) => number;

/** For each epoch, which row of `n` is the index-th; the order of the epoch asked for last is kept. */
export function epochOrder(n: number, shuffle: number | undefined): (epoch: number) => Order {
  if (shuffle === undefined) return () => (index) => index;
  let kept: { epoch: number; order: Uint32Array } | undefined;
  return (epoch) => {
    if (kept?.epoch !== epoch) kept = { epoch, order: permutation(n, shuffle, epoch) };
    const { order } = kept;
    return (index) => order[index]!;
  };
}

async function* batches(
  spec: ImageListSpec,
  list: ImageList,
  order: Order,
  shard: Shard,
  from: number,
): AsyncGenerator<RecordBatch> {
  const { start, end } = shardRange(shard, list.length);
  for (let at = start + from; at < end; at += FILES_AT_ONCE) {
    const entries = [];
    for (let i = at; i < Math.min(end, at + FILES_AT_ONCE); i++) entries.push(list.entry(order(i)));
    const files = await Promise.all(entries.map(({ name }) => read(spec.root + name)));
    const values = Int32Array.from(entries, ({ label }) => label);
    yield recordBatch({ data: imageColumn(files), label: { dtype: "int32", shape: [], values } }, files.length);
  }
}

/** A file's bytes; none where it cannot be read: what is to happen then is decided where images are decoded. */
function read(path: string): Promise<Uint8Array> {
  return readFile(path).catch(() => new Uint8Array(0));
}
