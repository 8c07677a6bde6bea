import { closeSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { mean } from "../engine/averaging/average.js";
import type { ReplicaState } from "../engine/engine.js";
import { NetrunError } from "../error.js";
import { hashFile, mixed, replicasPath, type SideReplicas, type SideState } from "./side-state.js";
import { decodeArrays, encodeArrays } from "./snapshot.js";

/** Bytes of one read or write: below what a system call takes at most. */
const PIECE = 2 ** 30;

/** Own state of replicas: their history, and their parameters where averaging lets them differ. */
const vectors = ({ history, weights }: ReplicaState): readonly Float32Array[] => [
  ...history,
  ...(weights ? [weights] : []),
];

/** The mean of the replicas' histories: what one history of all of them is. */
export function commonHistory(replicas: readonly ReplicaState[]): readonly Float32Array[] {
  const [first, ...others] = replicas as [ReplicaState, ...ReplicaState[]];
  if (others.length === 0) return first.history;
  return first.history.map((values, slot) => {
    const out = new Float32Array(values.length);
    mean(
      out,
      replicas.map(({ history }) => history[slot]!),
    );
    return out;
  });
}

/** Tests whether a snapshot of replicas has a file of their own: one replica has nothing that Caffe's files do not hold. */
export const hasReplicaFile = (replicas: readonly ReplicaState[]): boolean =>
  replicas.length > 1 || replicas[0]!.weights !== undefined;

/** Description of replicas in a side file. */
export const sideReplicas = (replicas: readonly ReplicaState[]): SideReplicas => ({
  positions: replicas.map(({ positions }) => positions),
  weights: replicas[0]!.weights !== undefined,
  carries: replicas.map(({ carries }) => encodeArrays(carries ?? {})),
});

/** Sources of replicas' state besides a solverstate. */
interface Restoring {
  /** Replicas that there are now. */
  readonly count: number;
  readonly side: SideState | undefined;
  /** Floats of all parameters. */
  readonly length: number;
  readonly warn: (warning: NetrunError) => void;
}

/**
 * The replicas of a snapshot as they were; where there were others, `count` of them from what all had in common.
 * Throws NetrunError if the file of their own is missing or does not fit.
 */
export function restoreReplicas(
  statePath: string,
  common: ReplicaState,
  { count, side, length, warn }: Restoring,
): readonly ReplicaState[] {
  const saved = side?.replicas;
  if (saved?.positions.length === count) {
    const file = replicasPath(statePath)!;
    const like = saved.positions.map((positions, i) => {
      return { ...common, positions, carries: decodeArrays(saved.carries[i] ?? {}) };
    });
    const replicas = readReplicas(file, like, saved.weights ? length : undefined);
    const wanted = side?.files?.replicas;
    if (wanted !== undefined && hashFile(file) !== wanted) throw mixed(file, `it does not go with ${statePath}`);
    return replicas;
  }
  if (saved || (side && count > 1)) {
    const before = saved?.positions.length ?? 1;
    warn(
      new NetrunError(`a snapshot of ${before} replicas is resumed with ${count}: all start from the mean history`, {
        file: statePath,
        notes: ["the data is divided anew; the same number of workers resumes bit-exactly"],
      }),
    );
  }
  if (count === 1) return [common];
  return Array.from({ length: count }, () => ({ ...common, history: common.history.map((values) => values.slice()) }));
}

/** Writes all vectors of all replicas to a file, one after the other, as little-endian float32. Throws the system's error. */
export function writeReplicas(path: string, replicas: readonly ReplicaState[]): void {
  const fd = openSync(path, "w");
  try {
    for (const bytes of replicas.flatMap(vectors).map(bytesOf)) {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, Math.min(PIECE, bytes.length - at));
    }
  } finally {
    closeSync(fd);
  }
}

/** Reads vectors back; `like` has as many vectors of the same lengths. Throws NetrunError if the file does not fit. */
function readReplicas(path: string, like: readonly ReplicaState[], weights: number | undefined): ReplicaState[] {
  const replicas = like.map((state) => ({
    ...state,
    history: state.history.map(({ length }) => new Float32Array(length)),
    ...(weights !== undefined && { weights: new Float32Array(weights) }),
  }));
  const all = replicas.flatMap(vectors).map(bytesOf);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  const wanted = all.reduce((sum, { length }) => sum + length, 0);
  if (size !== wanted) {
    const found = size === undefined ? "is not there" : `has ${size} bytes, not ${wanted}`;
    throw new NetrunError(`the file with the replicas' own history ${found}`, {
      file: path,
      notes: ["with another number of workers training resumes from the mean history, without this file"],
    });
  }
  const fd = openSync(path, "r");
  try {
    for (const bytes of all) {
      for (let at = 0; at < bytes.length; ) at += readSync(fd, bytes, at, Math.min(PIECE, bytes.length - at), null);
    }
  } finally {
    closeSync(fd);
  }
  return replicas;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);
