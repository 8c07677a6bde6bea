import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { findPath } from "../caffe/files.js";
import { writeHdf5State, writeHdf5Weights } from "../caffe/hdf5.js";
import type { NetParameter } from "../caffe/messages.js";
import { encodeSolverState, type StoredState } from "../caffe/solver-state.js";
import type { StoredBlob, StoredWeights } from "../caffe/stored.js";
import { encodeWeights } from "../caffe/weights.js";
import { NetrunError } from "../error.js";
import { replaceFile, writeWhole } from "../file.js";
import { type Layout, type Slot, view } from "../net/layout.js";
import type { RateState } from "../optim/rate.js";

/** The files of one snapshot. */
export interface SnapshotPaths {
  readonly model: string;
  readonly state: string;
  /** What Caffe's two files cannot hold. */
  readonly side: string;
  /** What each of several replicas has of its own; written where there are several. */
  readonly replicas: string;
}

/** The side file `*.netrunstate`: JSON, written beside a solverstate, so that a resumed run goes on to the bit. */
export interface SideState {
  readonly version: 1;
  readonly iteration: number;
  /** Seed of random layers and data. */
  readonly seed: number;
  /** Records consumed of each data layer of the train net. */
  readonly positions: readonly number[];
  /** Of several replicas: what each of them consumed; their history is in the `.netrunreplicas` file. */
  readonly replicas?: SideReplicas | undefined;
  /** Records consumed of each data layer of each test net. */
  readonly testPositions: readonly (readonly number[])[];
  /** The last losses that the smoothed loss is the mean of. */
  readonly losses: readonly number[];
  /** Where the learning rate's policy stands. */
  readonly rate: RateState;
  /** Best scores of tests so far, by metric. */
  readonly best?: Readonly<Record<string, Best>>;
  /** What recurrent layers carry on to the next iteration: little-endian floats in base64. */
  readonly carries?: Readonly<Record<string, string>>;
}

/** The best score of a metric, and how many tests ago it was. */
export interface Best {
  readonly value: number;
  readonly tests: number;
}

type Arrays = Readonly<Record<string, Float32Array>>;

export const encodeArrays = (arrays: Arrays): Record<string, string> =>
  Object.fromEntries(
    Object.entries(arrays).map(([name, { buffer, byteOffset, byteLength }]) => [
      name,
      Buffer.from(buffer, byteOffset, byteLength).toString("base64"),
    ]),
  );

export const decodeArrays = (arrays: Readonly<Record<string, string>>): Arrays =>
  Object.fromEntries(
    Object.entries(arrays).map(([name, text]) => [
      name,
      new Float32Array(new Uint8Array(Buffer.from(text, "base64")).buffer),
    ]),
  );

/** Checks that files of about `bytes` can be written under a prefix, making its folder. Throws NetrunError. */
export function probeFolder(prefix: string, bytes: number): void {
  const folder = dirname(prefix);
  const probe = `${prefix}.${process.pid}.probe`;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(probe, "");
    rmSync(probe);
  } catch (cause) {
    throw new NetrunError(`snapshots cannot be written here: ${(cause as Error).message}`, {
      file: folder,
      notes: ["snapshot_prefix (--snapshot-prefix) says where; snapshot_after_train: false and snapshot: 0 make none"],
      cause,
    });
  }
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < bytes) {
    const mib = (n: number) => `${Math.ceil(n / 2 ** 20)} MiB`;
    throw new NetrunError(`a snapshot takes ${mib(bytes)} and the disk has ${mib(bavail * bsize)} left`, {
      file: folder,
    });
  }
}

/** Throws NetrunError if a parameter is not finite: the snapshot before is the better one to go on from. */
export function checkFinite(layout: Layout, weights: Float32Array): void {
  for (const slot of layout.slots.values()) {
    if (view(weights, slot).every(Number.isFinite)) continue;
    throw new NetrunError(`parameter ${slot.parameter.index} of layer "${slot.parameter.layer}" is not finite`);
  }
}

/** What the side file says of several replicas. */
export interface SideReplicas {
  /** Records consumed of each data layer, by replica. */
  readonly positions: readonly (readonly number[])[];
  /** Whether each has parameters of its own, after its history. */
  readonly weights: boolean;
  /** What recurrent layers of each carry on, as in `SideState`. */
  readonly carries: readonly Readonly<Record<string, string>>[];
}

export type SnapshotFormat = "BINARYPROTO" | "HDF5";

/** Caffe's names: PREFIX_iter_N.caffemodel and so on, with .h5 behind them for HDF5. */
export function snapshotPaths(prefix: string, iteration: number, format: SnapshotFormat): SnapshotPaths {
  const end = format === "HDF5" ? ".h5" : "";
  const stem = `${prefix}_iter_${iteration}`;
  return {
    model: `${stem}.caffemodel${end}`,
    state: `${stem}.solverstate${end}`,
    side: `${stem}.netrunstate`,
    replicas: `${stem}.netrunreplicas`,
  };
}

/** What a snapshot is made of. */
export interface SnapshotContent {
  readonly net: NetParameter;
  readonly weights: StoredWeights;
  readonly state: StoredState;
  readonly side: SideState;
}

/** Writes a snapshot, each file whole or not at all; the solverstate comes last, so that where it is, all is. */
export async function writeSnapshot(
  paths: SnapshotPaths,
  content: SnapshotContent,
  format: SnapshotFormat,
): Promise<void> {
  const { net, weights, state, side } = content;
  if (format === "HDF5") {
    await replaceFile(paths.model, (file) => writeHdf5Weights(file, weights));
    await writeWhole(paths.side, JSON.stringify(side));
    await replaceFile(paths.state, (file) => writeHdf5State(file, state));
  } else {
    await writeWhole(paths.model, encodeWeights(net, weights));
    await writeWhole(paths.side, JSON.stringify(side));
    await writeWhole(paths.state, encodeSolverState(state));
  }
}

/**
 * The side file of a solverstate; undefined where there is none, as beside Caffe's own, or where it is of another iteration.
 * Throws NetrunError if it is damaged.
 */
export function readSideState(statePath: string, iteration: number): SideState | undefined {
  const path = statePath.replace(/\.solverstate(\.h5)?$/, ".netrunstate");
  if (path === statePath || !existsSync(path)) return undefined;
  try {
    const side = JSON.parse(readFileSync(path, "utf8")) as SideState;
    if (side.version !== 1 || !Array.isArray(side.positions)) throw new Error("not a netrun state of version 1");
    return side.iteration === iteration ? side : undefined;
  } catch (cause) {
    throw new NetrunError(`damaged side file: ${(cause as Error).message}`, {
      file: path,
      notes: ["without it training resumes as from a snapshot of Caffe's: delete it to do so"],
      cause,
    });
  }
}

/** What a snapshot could not bring back, as warnings. */
export function lostState(
  file: string,
  found: { state: StoredState; side: SideState | undefined; seed: number; model: string | undefined },
): readonly NetrunError[] {
  const { side, seed, model } = found;
  const lost: NetrunError[] = [];
  if (model === undefined) {
    lost.push(new NetrunError("it names no weights file: weights stay as they are", { file }));
  }
  if (!side) {
    lost.push(
      new NetrunError("not restored, for want of its .netrunstate: random numbers, test data and the smoothed loss", {
        file,
        notes: [
          "weights, history, iteration and the place in the data are as they were; snapshots of Caffe hold no more",
        ],
      }),
    );
  } else if (side.seed !== seed) {
    lost.push(new NetrunError(`it was made with random_seed ${side.seed}, this run has ${seed}`, { file }));
  }
  return lost;
}

/**
 * Where the model of a solverstate is: as it was written there, or beside the solverstate; undefined where it names none.
 * Throws NetrunError if it is in neither place.
 */
export function modelOfState(statePath: string, learnedNet: string): string | undefined {
  if (learnedNet === "") return undefined;
  const found = findPath(learnedNet) ?? findPath(join(dirname(statePath), basename(learnedNet)));
  if (found !== undefined) return found;
  throw new NetrunError(`its weights file ${learnedNet} is not there`, { file: statePath });
}

/** History in the order of Caffe's files: the first slot of every parameter, then the second. Fixed parameters have zeros. */
export function storeHistory(layout: Layout, history: readonly Float32Array[]): readonly StoredBlob[] {
  return history.flatMap((values) =>
    [...layout.slots.values()].map((slot) => {
      const { shape } = slot.parameter.spec;
      return { shape, data: isLearnt(layout, slot) ? view(values, slot) : new Float32Array(slot.length) };
    }),
  );
}

/** Reads history back from a file's order. Throws NetrunError if it is of another net or another solver type. */
export function restoreHistory(
  layout: Layout,
  history: readonly Float32Array[],
  stored: readonly StoredBlob[],
  file: string,
): void {
  const wanted = history.length * layout.slots.size;
  if (stored.length !== wanted) {
    throw new NetrunError(`${stored.length} history blobs, where this net and solver type have ${wanted}`, {
      file,
      notes: ["a solverstate goes with the net and the solver type that wrote it"],
    });
  }
  const slots = [...layout.slots.values()];
  stored.forEach((blob, i) => {
    const slot = slots[i % slots.length]!;
    if (blob.data.length !== slot.length) {
      const { key, spec } = slot.parameter;
      throw new NetrunError(`history ${i} is [${blob.shape}], parameter ${key} is [${spec.shape}]`, { file });
    }
  });
  stored.forEach((blob, i) => {
    const slot = slots[i % slots.length]!;
    if (isLearnt(layout, slot)) view(history[Math.floor(i / slots.length)]!, slot).set(blob.data);
  });
}

const isLearnt = (layout: Layout, { offset }: Slot) => offset < layout.learnt;
