import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { findPath } from "../caffe/files.js";
import { writeHdf5State, writeHdf5Weights } from "../caffe/hdf5.js";
import type { NetParameter } from "../caffe/messages.js";
import { type StoredState, statePieces } from "../caffe/solver-state.js";
import type { StoredBlob, StoredWeights } from "../caffe/stored.js";
import { weightPieces } from "../caffe/weight-pieces.js";
import { readWeights } from "../caffe/weights.js";
import { NetrunError } from "../error.js";
import { makeFolder, type StagedFile, stageFile, writePieces } from "../file.js";
import { type Layout, type Slot, view } from "../net/layout.js";
import { ownName } from "../owner.js";
import { allFinite } from "../run/not-finite.js";
import { hashFile, mixed, type SideState, sideText } from "./side-state.js";

/** The files of one snapshot. */
export interface SnapshotPaths {
  readonly model: string;
  readonly state: string;
  /** State that Caffe's two files cannot hold. */
  readonly side: string;
  /** Own state of each of several replicas; written where there are several. */
  readonly replicas: string;
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
  const probe = `${prefix}.${ownName()}.probe`;
  try {
    makeFolder(folder);
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
export function checkFinite(weights: StoredWeights): void {
  for (const [layer, blobs] of weights) {
    const index = blobs.findIndex(({ data }) => !allFinite(data));
    if (index >= 0) throw new NetrunError(`parameter ${index} of layer "${layer}" is not finite`);
  }
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

/** Content of a snapshot. */
export interface SnapshotContent {
  readonly net: NetParameter;
  readonly weights: StoredWeights;
  readonly state: StoredState;
  readonly side: Omit<SideState, "version" | "files">;
  /** Writes the file of the replicas' own state, where they have some. */
  readonly writeReplicas: ((file: string) => void) | undefined;
}

/**
 * Writes a snapshot. No file gets its name before all are on disk: where one cannot be written, older ones of these names stay as
 * they were. The side file has hashes of the others; the solverstate comes last, so that where it is, all is. Throws NetrunError.
 */
export async function writeSnapshot(
  paths: SnapshotPaths,
  { net, weights, state, side, writeReplicas }: SnapshotContent,
  format: SnapshotFormat,
): Promise<void> {
  const isHdf5 = format === "HDF5";
  const staged: StagedFile[] = [];
  const stage = async (path: string, write: (file: string) => void | Promise<void>) => {
    const file = await stageFile(path, write);
    staged.push(file);
    return hashFile(file.temporary);
  };
  try {
    const model = await stage(paths.model, (file) =>
      isHdf5 ? writeHdf5Weights(file, weights) : writePieces(file, weightPieces(net, weights)),
    );
    const replicas = writeReplicas && (await stage(paths.replicas, writeReplicas));
    const stateFile = await stageFile(paths.state, (file) =>
      isHdf5 ? writeHdf5State(file, state) : writePieces(file, statePieces(state)),
    );
    const files = { model, state: hashFile(stateFile.temporary), ...(replicas !== undefined && { replicas }) };
    try {
      await stage(paths.side, (file) => writeFileSync(file, sideText({ ...side, version: 2, files })));
    } finally {
      staged.push(stateFile);
    }
    for (const file of staged) file.commit();
  } finally {
    for (const file of staged) file.discard();
  }
}

/** Warnings of state that a snapshot could not bring back. */
export function lostState(
  file: string,
  found: {
    readonly side: SideState | undefined;
    readonly seed: number;
    readonly rule: string;
    readonly model: SnapshotModel | undefined;
    /** Layers of the net whose weights it does not have. */
    readonly missing: readonly string[];
  },
): readonly NetrunError[] {
  const { side, seed, rule, model, missing } = found;
  const lost: NetrunError[] = [];
  if (model === undefined) {
    lost.push(new NetrunError("it names no weights file: weights stay as they are", { file }));
  }
  if (!side) {
    lost.push(
      new NetrunError("not restored, without its .netrunstate: random numbers, test data and the smoothed loss", {
        file,
        notes: [
          "weights, history, iteration and the place in the data are as they were; snapshots of Caffe hold no more",
        ],
      }),
    );
  } else if (side.seed !== seed) {
    lost.push(new NetrunError(`it was made with random_seed ${side.seed}, this run has ${seed}`, { file }));
  }
  if (side?.type !== undefined && side.type !== rule) {
    const notes = ["its history is taken as it is, and means something else to another type"];
    lost.push(new NetrunError(`it was made with solver type ${side.type}, this run has ${rule}`, { file, notes }));
  }
  if (missing.length > 0) {
    const names = missing.map((layer) => `"${layer}"`).join(", ");
    const notes = ["weights go by layer name: these layers start as the net has them now"];
    lost.push(new NetrunError(`it has no weights of ${names}`, { file: model?.path ?? file, notes }));
  }
  return lost;
}

/** Throws NetrunError for a solver state whose counts no training has. */
export function checkStateCounts(file: string, { iter, current_step }: StoredState): void {
  for (const [name, value] of Object.entries({ iter, current_step }))
    if (value < 0) throw new NetrunError(`${name} ${value} is no count`, { file, notes: ["the file is damaged"] });
}

/** The weights of a snapshot, and their file. */
export interface SnapshotModel {
  readonly path: string;
  readonly weights: StoredWeights;
}

/**
 * The model of a solverstate, from where it was written or beside the solverstate; undefined where it names none. Throws NetrunError
 * if it is in neither place, damaged or, where its hash is known, not the one of this snapshot.
 */
export async function readModel(
  statePath: string,
  learnedNet: string,
  hash: string | undefined,
): Promise<SnapshotModel | undefined> {
  if (learnedNet === "") return undefined;
  const places = [learnedNet, join(dirname(statePath), basename(learnedNet))];
  const [first, ...others] = places.flatMap((place) => findPath(place) ?? []);
  if (first === undefined) {
    const notes = [
      `looked for ${[...new Set(places)].join(" and ")}`,
      "a solverstate names its weights file: give that this name, or start from it alone with --weights",
    ];
    throw new NetrunError(`its weights file ${learnedNet} is not there`, { file: statePath, notes });
  }
  const path = hash === undefined ? first : ([first, ...others].find((each) => hashFile(each) === hash) ?? first);
  // A file that is damaged says where, before it is said not to belong here.
  const weights = await readWeights(path);
  if (hash === undefined || hashFile(path) === hash) return { path, weights };
  throw mixed(path, `these are not the weights that ${statePath} goes with`);
}

/** History in the order of Caffe's files: the first slot of every parameter, then the second. Fixed parameters have zeros. */
export function storeHistory(layout: Layout, history: readonly Float32Array[]): readonly StoredBlob[] {
  return history.flatMap((values) =>
    [...layout.slots.values()].map((slot) => {
      const { shape } = slot.parameter.spec;
      return { shape, data: isTrainable(layout, slot) ? view(values, slot) : new Float32Array(slot.length) };
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
    if (!allFinite(blob.data))
      throw new NetrunError(`history ${i} has values that are not finite`, { file, notes: ["the file is damaged"] });
    if (blob.data.length !== slot.length) {
      const { key, spec } = slot.parameter;
      throw new NetrunError(`history ${i} is [${blob.shape}], parameter ${key} is [${spec.shape}]`, { file });
    }
  });
  stored.forEach((blob, i) => {
    const slot = slots[i % slots.length]!;
    if (isTrainable(layout, slot)) view(history[Math.floor(i / slots.length)]!, slot).set(blob.data);
  });
}

const isTrainable = (layout: Layout, { offset }: Slot) => offset < layout.trainable;
