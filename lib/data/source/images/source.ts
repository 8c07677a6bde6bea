import type { RecordBatch } from "apache-arrow";
import { readImageFile } from "../../image/file.js";
import { permutation } from "../../shuffle/shuffle.js";
import { bytesColumn, recordBatch } from "../columns.js";
import { type DataSource, type Shard, shardRange } from "../source.js";
import { readImageFolder } from "./folder.js";
import { type ImageLine, readImageList } from "./list.js";

/** Images to read: the list, what stands before its names, and the key of a new order for each epoch. */
export interface ImageListSpec {
  readonly list: string;
  /** Put in front of each name as it is, without a slash between, as Caffe does. */
  readonly root: string;
  readonly shuffle?: number | undefined;
  /** True if labels are images, whose names stand in the list. */
  readonly maps?: boolean | undefined;
  /** Numbers that follow each name as labels; one by default. */
  readonly count?: number | undefined;
  /** Texts before and after a name in the path of an image, and of the image of its labels, in lists whose lines are names alone. */
  readonly names?: Readonly<Record<"image" | "map", readonly [before: string, after: string]>> | undefined;
}

/** Files read at a time: enough to keep a disk busy, few enough to hold in memory. */
const FILES_AT_ONCE = 32;

/** The images of a list file, as encoded bytes and a label; throws a NetrunError where the list cannot be read. */
export async function imageListSource(spec: ImageListSpec): Promise<DataSource> {
  const { root, count = 1, names } = spec;
  const list = readImageList(spec.list, { ...spec, names: names !== undefined });
  return imageFiles({
    length: list.length,
    shuffle: spec.shuffle,
    maps: spec.maps ?? false,
    count,
    entry: (index) => {
      const { name, label, labels, map, line, problem } = namedBy(names, list.entry(index));
      const where = problem === undefined ? `${spec.list}:${line}: ${root}${name}` : `${spec.list}:${line}`;
      return { path: root + name, label, labels, map: map && root + map, where, problem };
    },
  });
}

/** A line with the paths that its name stands for. */
function namedBy(names: ImageListSpec["names"], line: ImageLine): ImageLine {
  if (!names) return line;
  const [image, map] = [names.image, names.map].map(([before, after]) => before + line.name + after);
  return { ...line, name: image!, map: map! };
}

/** The images of a folder that has a folder for each class; labels are the classes in the order of their names. */
export async function imageFolderSource(path: string, shuffle?: number): Promise<DataSource> {
  const { classes, files } = readImageFolder(path);
  const entry = (index: number): ImageEntry => ({ ...files[index]!, where: files[index]!.path });
  const source = imageFiles({ length: files.length, shuffle, maps: false, count: 1, entry });
  return { ...source, labels: { label: classes } };
}

/** An image file, its label, and what errors call it. */
interface ImageEntry {
  readonly path: string;
  readonly label: number;
  readonly labels?: readonly number[] | undefined;
  /** The image of its labels. */
  readonly map?: string | undefined;
  readonly where: string;
  /** Reason why it is not. */
  readonly problem?: string | undefined;
}

interface ImageFiles {
  readonly length: number;
  readonly shuffle: number | undefined;
  readonly maps: boolean;
  /** Numbers that are labels of one image. */
  readonly count: number;
  entry(index: number): ImageEntry;
}

function imageFiles(files: ImageFiles): DataSource {
  const order = epochOrder(files.length, files.shuffle);
  return {
    length: files.length,
    fields: { data: { dtype: "image", shape: [] }, label: labelField(files) },
    batches: (shard, from, epoch) => batches(files, order(epoch ?? 0), shard, from ?? 0),
    locate: (index, epoch) => files.entry(order(epoch ?? 0)(index)).where,
    [Symbol.asyncDispose]: async () => {},
  };
}

/** One label is a class; several may be any numbers. */
const labelField = ({ maps, count }: ImageFiles): DataSource["fields"][string] =>
  count > 1 ? { dtype: "float32", shape: [count] } : { dtype: maps ? "image" : "int32", shape: [] };

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

async function* batches(files: ImageFiles, order: Order, shard: Shard, from: number): AsyncGenerator<RecordBatch> {
  const { start, end } = shardRange(shard, files.length);
  for (let at = start + from; at < end; at += FILES_AT_ONCE) {
    const entries: ImageEntry[] = [];
    for (let i = at; i < Math.min(end, at + FILES_AT_ONCE); i++) entries.push(files.entry(order(i)));
    const images = await Promise.all(entries.map(read));
    const maps = files.maps
      ? await Promise.all(entries.map(({ map = "", problem }) => read({ path: map, problem })))
      : [];
    const failures = new Map(
      images.flatMap((image, row) => {
        const why = [image, maps[row]].find((each) => typeof each === "string");
        return why === undefined ? [] : [[row, why] as const];
      }),
    );
    const data = bytesColumn(images.length, (row) => bytesOr(images[row]!));
    const label = files.maps ? bytesColumn(maps.length, (row) => bytesOr(maps[row]!)) : numbers(files, entries);
    yield recordBatch({ data, label }, images.length, {}, failures.size > 0 ? { failures } : {});
  }
}

/** The labels of images, 0 for those that have none. */
function numbers({ count }: ImageFiles, entries: readonly ImageEntry[]) {
  if (count === 1)
    return { dtype: "int32", shape: [], values: Int32Array.from(entries, ({ label }) => label) } as const;
  const rows = entries.flatMap(({ labels }) => labels ?? Array<number>(count).fill(0));
  return { dtype: "float32", shape: [count], values: Float32Array.from(rows) } as const;
}

/** A file's bytes, or why there are none. */
async function read({ path, problem }: Pick<ImageEntry, "path" | "problem">): Promise<Uint8Array | string> {
  if (problem !== undefined) return problem;
  return readImageFile(path).catch((error: Error) => `there is no image: ${error.message}`);
}

const bytesOr = (image: Uint8Array | string): Uint8Array => (typeof image === "string" ? new Uint8Array(0) : image);
