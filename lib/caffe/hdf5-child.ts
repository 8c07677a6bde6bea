import { closeSync, openSync, writeSync } from "node:fs";
import h5wasm, { type Dataset, type Entity, type File, type Group, Module } from "h5wasm/node";
import { NetrunError } from "../error.js";
import { halfValue } from "../graph/index.js";
import { serveIsolated } from "../isolated-child.js";
import type { Hdf5Dataset, Hdf5Entry, Hdf5Group, Hdf5Request, Hdf5Values, Ranges } from "./hdf5-reader.js";

/** Levels and entries of a file's groups; a damaged file may have groups in one another without end. */
const MAX_DEPTH = 64;
const MAX_ENTRIES = 200_000;

/** The file that is read, and its path. */
let opened: { readonly path: string; readonly file: File } | undefined;

// Without this the library prints its errors and returns invalid values.
(await h5wasm.ready).activate_throwing_error_handler();

async function answer(request: Hdf5Request): Promise<unknown> {
  // The tree is asked for first: the file may be a new one of an old name.
  if (request.op === "tree") close();
  try {
    const file = open(request.path);
    switch (request.op) {
      case "tree":
        return groupOf(file, Math.min(request.depth, MAX_DEPTH), { left: MAX_ENTRIES });
      case "read":
        return shared(
          request,
          request.sets.map(({ name, ranges }) => floats(dataset(file, name), ranges)),
        );
      case "value":
        return scalar(dataset(file, request.name));
    }
  } catch (cause) {
    if (cause instanceof NetrunError) throw cause;
    throw new NetrunError("cannot be read as HDF5: the file is damaged or cut off", { notes: [innermost(cause)] });
  }
}

function open(path: string): File {
  if (opened?.path !== path) {
    close();
    opened = { path, file: new h5wasm.File(path, "r") };
  }
  return opened.file;
}

function close(): void {
  const file = opened?.file;
  opened = undefined;
  try {
    file?.close();
  } catch {
    // A damaged file may refuse that too; what is wrong with it has been said.
  }
}

/** HDF5 reports the calls from the outside in; the last line that has a reason is the one that says something. */
function innermost(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return [...text.matchAll(/\(\): (.+)/g)].at(-1)?.[1] ?? text;
}

function groupOf(group: Group, depth: number, entries: { left: number }): Hdf5Group {
  const children = new Map<string, Hdf5Entry>();
  for (const name of group.keys()) {
    if (entries.left-- <= 0) throw new NetrunError(`has more than ${MAX_ENTRIES} groups and datasets`);
    children.set(name, entryOf(group.get(name), depth, entries));
  }
  return { kind: "group", children };
}

function entryOf(entity: Entity | null, depth: number, entries: { left: number }): Hdf5Entry {
  if (entity instanceof h5wasm.Dataset) return datasetOf(entity);
  if (!(entity instanceof h5wasm.Group)) return { kind: "other" };
  return depth > 1 ? groupOf(entity, depth - 1, entries) : { kind: "group", children: new Map() };
}

function datasetOf(found: Dataset): Hdf5Dataset {
  const { type, size, total_size, chunks } = found.metadata;
  const isPacked = found.filters.length > 0;
  return {
    kind: "dataset",
    name: found.path,
    shape: found.shape ?? undefined,
    type,
    size,
    count: total_size,
    chunks: chunks ?? undefined,
    isPacked,
  };
}

function dataset(file: File, name: string): Dataset {
  const found = file.get(name);
  if (found instanceof h5wasm.Dataset) return found;
  throw new NetrunError(`there is no dataset "${name}"`);
}

function scalar(found: Dataset): unknown {
  const value: unknown = found.metadata.total_size === 1 ? found.value : undefined;
  const first: unknown = ArrayBuffer.isView(value) ? (value as Int32Array)[0] : value;
  return typeof first === "string" || typeof first === "number" || typeof first === "bigint" ? first : undefined;
}

/** HDF5's class of floats. */
const FLOAT = 1;

/** A part of a dataset of numbers, as float32. */
function floats(found: Dataset, ranges: Ranges): Float32Array {
  const { type, size } = found.metadata;
  if (type === FLOAT && size === 2) return halves(found, ranges);
  const values: unknown = ranges.length === 0 ? found.value : found.slice(ranges.map(([from, to]) => [from, to]));
  if (values instanceof Float32Array) return values;
  if (typeof values === "number" || typeof values === "bigint") return Float32Array.of(Number(values));
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) return Float32Array.from(values, Number);
  if (ArrayBuffer.isView(values)) return Float32Array.from(values as Float64Array);
  throw new NetrunError(`dataset "${found.path}" cannot be read`);
}

/** Bytes of values from which on the file that is shared is faster than the pipe. */
const SHARED_FROM = 2 ** 16;

/** The shared file that is written to; it stays open, and its pages stay where they are. */
let sharing: { readonly path: string; readonly fd: number } | undefined;

/** Values put into the shared file one after another from a place on; as they are where they are few, or the file has no room. */
function shared(
  { shared: path, place }: { readonly shared: string; readonly place: number },
  values: readonly Float32Array[],
): readonly Hdf5Values[] {
  if (values.reduce((sum, { byteLength }) => sum + byteLength, 0) < SHARED_FROM) return values;
  try {
    if (sharing?.path !== path) {
      if (sharing) closeSync(sharing.fd);
      sharing = undefined;
      sharing = { path, fd: openSync(path, "w") };
    }
    let at = place;
    for (const { buffer, byteOffset, byteLength } of values) {
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      for (let put = 0; put < bytes.length; ) put += writeSync(sharing.fd, bytes, put, bytes.length - put, at + put);
      at += bytes.length;
    }
    return values.map(({ length }) => length);
  } catch (error) {
    // Memory file systems of containers may be small.
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return values;
  }
}

/** Numbers in half precision, for which the library has no array: their bits are fetched as it fetches others. */
function halves(found: Dataset, ranges: Ranges): Float32Array {
  const offset = ranges.map(([from]) => BigInt(from));
  const counts = ranges.map(([from, to]) => BigInt(to - from));
  const bytes = 2 * ranges.reduce((product, [from, to]) => product * (to - from), 1);
  const at = Module._malloc(bytes);
  try {
    const strides = ranges.map(() => 1n);
    Module.get_dataset_data(found.file_id, found.path, counts, offset, strides, BigInt(at));
    return Float32Array.from(new Uint16Array(Module.HEAPU8.slice(at, at + bytes).buffer), halfValue);
  } finally {
    Module._free(at);
  }
}

serveIsolated((request) => answer(request as Hdf5Request));
