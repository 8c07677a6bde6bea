import { rmSync } from "node:fs";
import type { Dataset, Entity, File, Group } from "h5wasm/node";
import { NetrunError } from "../error.js";
import type { StoredBlob, StoredWeights } from "./stored.js";

/** Whether bytes are an HDF5 file. */
export function isHdf5(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 8)).equals(Buffer.from("\x89HDF\r\n\x1a\n", "latin1"));
}

/** What Caffe keeps in an HDF5 file: weights, a solver's state, or neither (data). */
export function hdf5Kind(path: string): Promise<"weights" | "state" | undefined> {
  return withFile(path, "r", (file) => {
    if (isGroup(child(file, "data"))) return "weights";
    return isGroup(child(file, "history")) ? "state" : undefined;
  });
}

/** Reads Caffe's HDF5 weights: /data/LAYER/i, and gradients in /diff/LAYER/i where there are some. */
export async function readHdf5Weights(path: string, fileBytes: number): Promise<StoredWeights> {
  return withFile(path, "r", (file) => {
    const data = child(file, "data");
    if (!isGroup(data)) throw new NetrunError("has no group /data, so it is no weights file", { file: path });
    const layers = new Map<string, StoredBlob[]>();
    for (const [name, group] of layerGroups(data, "")) {
      const blobs = numbered(group).map((set) => readFloats(set, path, fileBytes));
      const diffs = child(file, `diff/${name}`);
      if (blobs.length === 0) continue;
      if (isGroup(diffs)) {
        const gradients = numbered(diffs).map((set) => readFloats(set, path, fileBytes).data);
        layers.set(
          name,
          blobs.map((blob, i) => ({ ...blob, diff: gradients[i] })),
        );
      } else layers.set(name, blobs);
    }
    return layers;
  });
}

/** Writes Caffe's HDF5 weights. Throws NetrunError if the file cannot be written. */
export async function writeHdf5Weights(path: string, weights: StoredWeights): Promise<void> {
  await withFile(path, "w", (file) => {
    const data = file.create_group("data");
    const hasDiffs = [...weights.values()].some((blobs) => blobs.some(({ diff }) => diff));
    const diff = hasDiffs ? file.create_group("diff") : undefined;
    for (const [name, blobs] of weights) {
      writeBlobs(nestedGroup(data, name), blobs);
      if (diff)
        writeBlobs(
          nestedGroup(diff, name),
          blobs.map(({ shape, diff: d, data: v }) => ({ shape, data: d ?? new Float32Array(v.length) })),
        );
    }
  });
}

/** What an HDF5 solver state holds besides its history. */
export interface Hdf5State {
  readonly iter: number;
  readonly learned_net: string;
  readonly current_step: number;
  readonly history: readonly StoredBlob[];
}

/** Reads Caffe's HDF5 solver state: /iter, /learned_net, /current_step and /history/i. */
export async function readHdf5State(path: string, fileBytes: number): Promise<Hdf5State> {
  return withFile(path, "r", (file) => {
    const history = child(file, "history");
    if (!isGroup(history)) throw new NetrunError("has no group /history, so it is no solver state", { file: path });
    return {
      iter: readInteger(file, "iter"),
      learned_net: readString(file, "learned_net"),
      current_step: readInteger(file, "current_step"),
      history: numbered(history).map((set) => readFloats(set, path, fileBytes)),
    };
  });
}

/** Writes Caffe's HDF5 solver state. */
export async function writeHdf5State(path: string, state: Hdf5State): Promise<void> {
  await withFile(path, "w", (file) => {
    for (const name of ["iter", "current_step"] as const)
      file.create_dataset({ name, data: Int32Array.of(state[name]), shape: [1] });
    file.create_dataset({ name: "learned_net", data: state.learned_net, shape: [] });
    writeBlobs(file.create_group("history"), state.history);
  });
}

/** Rows per chunk of data sets that grow: HDF5 stores and reads chunks whole. */
const CHUNK_ROWS = 64;

/**
 * Writes data sets whose first axis counts rows into a new file, or (`append`) adds their rows to those of the file.
 * Throws NetrunError if the file cannot be written, or its rows are not of that shape.
 */
export async function writeHdf5Rows(
  path: string,
  sets: Readonly<Record<string, StoredBlob>>,
  append: boolean,
): Promise<void> {
  await withFile(path, append ? "a" : "w", (file) => {
    for (const [name, { shape, data }] of Object.entries(sets)) {
      const [rows, ...row] = shape as [number, ...number[]];
      if (!append) {
        const chunks = [Math.max(1, Math.min(rows, CHUNK_ROWS)), ...row];
        file.create_dataset({ name, data, shape: [...shape], maxshape: [null, ...row], chunks });
        continue;
      }
      const set = child(file, name);
      const [before, ...there] = (isDataset(set) && set.shape) || [0];
      if (!isDataset(set) || there.join() !== row.join())
        throw new NetrunError(`/${name} has rows of [${there}], and now [${row}] are to be added`, { file: path });
      if (rows === 0) continue;
      set.resize([before! + rows, ...row]);
      set.write_slice([[before!, before! + rows], ...row.map((dim): [number, number] => [0, dim])], data);
    }
  });
}

let loading: Promise<typeof import("h5wasm/node")> | undefined;

/** The library, loaded with the first file: it is megabytes of WebAssembly. */
function library(): Promise<typeof import("h5wasm/node")> {
  loading ??= import("h5wasm/node").then(async (module) => {
    // Without this the library prints its errors and returns values that are none.
    (await module.ready).activate_throwing_error_handler();
    return module;
  });
  return loading;
}

/** Opens a file for the time of a function. */
async function withFile<T>(path: string, mode: "r" | "w" | "a", use: (file: File) => T): Promise<T> {
  const { File } = await library();
  let file: File | undefined;
  try {
    file = new File(path, mode);
    return use(file);
  } catch (cause) {
    if (cause instanceof NetrunError) throw cause;
    if (mode === "w") rmSync(path, { force: true });
    if (cause instanceof Error && cause.name === "RuntimeError")
      throw new NetrunError("the HDF5 library broke down, over this or an earlier damaged file", {
        file: path,
        notes: ["it reads no file any more in this process; start the program anew"],
        cause,
      });
    const what = mode === "r" ? "cannot be read as HDF5: the file is damaged or cut off" : "cannot be written as HDF5";
    throw new NetrunError(what, { file: path, notes: [innermost(cause)], cause });
  } finally {
    file?.close();
  }
}

/** HDF5 reports the call stack from the outside in; the last reason is the one that says something. */
function innermost(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return [...text.matchAll(/\(\): (.+)/g)].at(-1)?.[1] ?? text;
}

/** What a path leads to; null where there is nothing, which `get` takes for an error. */
function child(group: Group, path: string): Entity | null {
  let entity: Entity | null = group;
  for (const part of path.split("/")) {
    if (!isGroup(entity) || !entity.keys().includes(part)) return null;
    entity = entity.get(part);
  }
  return entity;
}

function isGroup(entity: Entity | null): entity is Group {
  return kindOf(entity) === "Group";
}

function isDataset(entity: Entity | null): entity is Dataset {
  return kindOf(entity) === "Dataset";
}

function kindOf(entity: Entity | null): string | undefined {
  return (entity as { readonly type?: string } | null)?.type;
}

/** The groups that hold a layer's blobs. A slash in a layer's name makes groups in groups. */
function* layerGroups(group: Group, prefix: string): Generator<readonly [string, Group]> {
  for (const key of group.keys()) {
    const child = group.get(key);
    if (!isGroup(child)) continue;
    yield [prefix + key, child];
    yield* layerGroups(child, `${prefix}${key}/`);
  }
}

/** The datasets named 0, 1, ... */
function numbered(group: Group): Dataset[] {
  const sets: Dataset[] = [];
  for (let i = 0; group.keys().includes(String(i)); i++) {
    const set = group.get(String(i));
    if (!isDataset(set)) break;
    sets.push(set);
  }
  return sets;
}

/** A dataset packs at most this much; Caffe does not pack at all. What declares more is damaged. */
const MAX_COMPRESSION = 1000;

function readFloats(set: Dataset, file: string, fileBytes: number): StoredBlob {
  const shape = set.shape ?? [];
  const count = shape.reduce((product, dim) => product * dim, 1);
  const limit = fileBytes * (set.filters.length > 0 ? MAX_COMPRESSION : 1);
  if (count * set.metadata.size > limit)
    throw new NetrunError(`${set.path} declares [${shape}], more than the file holds`, {
      file,
      notes: ["the file is damaged"],
    });
  const read = set.value;
  const value = typeof read === "number" ? Float32Array.of(read) : read;
  if (!(value instanceof Float32Array) && !(value instanceof Float64Array))
    throw new NetrunError(`${set.path} does not hold floating-point numbers`, { file });
  return { shape, data: value instanceof Float32Array ? value : Float32Array.from(value) };
}

function writeBlobs(group: Group, blobs: readonly StoredBlob[]): void {
  blobs.forEach(({ shape, data }, i) => {
    group.create_dataset({ name: String(i), data, shape: [...shape] });
  });
}

function nestedGroup(group: Group, name: string): Group {
  let inner = group;
  for (const part of name.split("/")) {
    const there = child(inner, part);
    inner = isGroup(there) ? there : inner.create_group(part);
  }
  return inner;
}

function readInteger(file: File, name: string): number {
  const set = child(file, name);
  const value = isDataset(set) && set.metadata.total_size === 1 ? set.value : undefined;
  const [number] = ArrayBuffer.isView(value) ? (value as Int32Array) : [value];
  if (typeof number !== "number" && typeof number !== "bigint")
    throw new NetrunError(`has no number /${name}`, { file: file.filename });
  return Number(number);
}

function readString(file: File, name: string): string {
  const set = child(file, name);
  const value = isDataset(set) && set.metadata.total_size === 1 ? set.value : "";
  return typeof value === "string" ? value : "";
}
