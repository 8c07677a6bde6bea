import { closeSync, openSync, readSync, rmSync } from "node:fs";
import type { Dataset, Entity, File, Group } from "h5wasm/node";
import { NetrunError } from "../error.js";
import { readingFailed } from "../file.js";
import { checkDeclared, type Hdf5Dataset, type Hdf5Group, Hdf5Reader } from "./hdf5-reader.js";
import type { StoredBlob, StoredWeights } from "./stored.js";

const SIGNATURE = Buffer.from("\x89HDF\r\n\x1a\n", "latin1");

/** Tests whether a file is HDF5, by its first bytes: such files are read in parts, and may have any size. Throws NetrunError if it cannot be read. */
export function isHdf5(file: string): boolean {
  const head = Buffer.alloc(SIGNATURE.length);
  try {
    const handle = openSync(file, "r");
    try {
      readSync(handle, head, 0, head.length, 0);
    } finally {
      closeSync(handle);
    }
  } catch (cause) {
    throw readingFailed(file, cause);
  }
  return head.equals(SIGNATURE);
}

/** Kind of Caffe's HDF5 file: weights, a solver's state, or neither (data). Throws NetrunError if it is damaged. */
export async function hdf5Kind(path: string): Promise<"weights" | "state" | undefined> {
  await using reader = new Hdf5Reader(path);
  const { children } = await reader.tree(path);
  if (children.get("data")?.kind === "group") return "weights";
  return children.get("history")?.kind === "group" ? "state" : undefined;
}

/** Reads Caffe's HDF5 weights: /data/LAYER/i, and gradients in /diff/LAYER/i where there are some. Throws NetrunError. */
export async function readHdf5Weights(path: string): Promise<StoredWeights> {
  await using reader = new Hdf5Reader(path);
  const { children } = await reader.tree(path);
  const [data, diff] = [children.get("data"), children.get("diff")];
  if (data?.kind !== "group") throw new NetrunError("has no group /data, so it is not a weights file", { file: path });
  const values = new Map(layerSets(data));
  const gradients = new Map(diff?.kind === "group" ? layerSets(diff) : []);
  checkDeclared(path, [...values.values(), ...gradients.values()].flat(), true);
  const layers = new Map<string, readonly StoredBlob[]>();
  for (const [name, sets] of values) {
    const blobs = await readBlobs(reader, path, sets);
    const diffs = gradients.has(name) ? await readBlobs(reader, path, gradients.get(name)!) : [];
    layers.set(
      name,
      blobs.map((blob, i) => (diffs[i] ? { ...blob, diff: diffs[i].data } : blob)),
    );
  }
  return layers;
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

/** Fields of an HDF5 solver state besides its history. */
export interface Hdf5State {
  readonly iter: number;
  readonly learned_net: string;
  readonly current_step: number;
  readonly history: readonly StoredBlob[];
}

/** Reads Caffe's HDF5 solver state: /iter, /learned_net, /current_step and /history/i. Throws NetrunError. */
export async function readHdf5State(path: string): Promise<Hdf5State> {
  await using reader = new Hdf5Reader(path);
  const { children } = await reader.tree(path);
  const history = children.get("history");
  if (history?.kind !== "group")
    throw new NetrunError("has no group /history, so it is not a solver state", { file: path });
  const value = async (name: string) => {
    const set = children.get(name);
    return set?.kind === "dataset" && set.count === 1 ? reader.value(path, set) : undefined;
  };
  const integer = async (name: string) => {
    const number = await value(name);
    if (typeof number === "number" || typeof number === "bigint") return Number(number);
    throw new NetrunError(`has no number /${name}`, { file: path });
  };
  const sets = numbered(history);
  checkDeclared(path, sets, true);
  const learned = await value("learned_net");
  return {
    iter: await integer("iter"),
    learned_net: typeof learned === "string" ? learned : "",
    current_step: await integer("current_step"),
    history: await readBlobs(reader, path, sets),
  };
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
    // Without this the library prints its errors and returns invalid values.
    (await module.ready).activate_throwing_error_handler();
    return module;
  });
  return loading;
}

/** Opens a file of our own for the time of a function. Files of others are read in another process: see hdf5-reader.ts. */
async function withFile<T>(path: string, mode: "w" | "a", use: (file: File) => T): Promise<T> {
  const { File } = await library();
  let file: File | undefined;
  try {
    file = new File(path, mode);
    const result = use(file);
    // What is still in memory is written now, for which a disk may have no room.
    if (file.close() < 0) throw new Error("close(): not all of it could be written");
    return result;
  } catch (cause) {
    try {
      file?.close();
    } catch {
      // The error that matters is the first.
    }
    if (cause instanceof NetrunError) throw cause;
    if (mode === "w") rmSync(path, { force: true });
    throw new NetrunError("cannot be written as HDF5", { file: path, notes: [innermost(cause)], cause });
  }
}

/** HDF5 reports the call stack from the outside in; the last reason is the one that says something. */
function innermost(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return [...text.matchAll(/\(\): (.+)/g)].at(-1)?.[1] ?? text;
}

/** Object at a path; null where there is nothing, which `get` takes for an error. */
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

/** The blobs of layers by name. A slash in a layer's name makes groups in groups. */
function* layerSets(group: Hdf5Group, prefix = ""): Generator<readonly [string, readonly Hdf5Dataset[]]> {
  for (const [key, child] of group.children) {
    if (child.kind !== "group") continue;
    const sets = numbered(child);
    if (sets.length > 0) yield [prefix + key, sets];
    yield* layerSets(child, `${prefix}${key}/`);
  }
}

/** The datasets named 0, 1, ... */
function numbered({ children }: Hdf5Group): readonly Hdf5Dataset[] {
  const sets: Hdf5Dataset[] = [];
  for (let set = children.get("0"); set?.kind === "dataset"; set = children.get(String(sets.length))) sets.push(set);
  return sets;
}

/** HDF5's class of floats. */
const FLOAT = 1;

async function readBlobs(reader: Hdf5Reader, path: string, sets: readonly Hdf5Dataset[]): Promise<StoredBlob[]> {
  const blobs: StoredBlob[] = [];
  for (const set of sets) {
    if (set.type !== FLOAT || !set.shape)
      throw new NetrunError(`${set.name} does not hold floating-point numbers`, { file: path });
    blobs.push({ shape: set.shape, data: await reader.readAll(path, set) });
  }
  return blobs;
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
