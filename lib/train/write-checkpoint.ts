import { decode } from "../caffe/message.js";
import type { StoredState } from "../caffe/solver-state.js";
import type { StoredWeights } from "../caffe/stored.js";
import type { ReplicaStates } from "../engine/engine.js";
import { writeReplicas } from "./replica-file.js";
import {
  checkFinite,
  type SnapshotContent,
  type SnapshotFormat,
  type SnapshotPaths,
  writeSnapshot,
} from "./snapshot.js";

/** All that a snapshot is made of, as plain data of its own: training may go on, and another thread may write it. */
export interface Checkpoint {
  readonly paths: SnapshotPaths;
  readonly format: SnapshotFormat;
  /** The net as a binary NetParameter. */
  readonly net: Uint8Array;
  readonly weights: StoredWeights;
  readonly state: StoredState;
  readonly side: SnapshotContent["side"];
  /** The states of replicas, where they have a file of their own. */
  readonly replicas: ReplicaStates | undefined;
  /** The memory of all values, which is the checkpoint's alone. */
  readonly buffers: readonly ArrayBuffer[];
}

/** Writes a checkpoint's files. Throws NetrunError if a parameter is not finite or a file cannot be written. */
export async function writeCheckpoint({
  paths,
  format,
  net,
  weights,
  state,
  side,
  replicas,
}: Checkpoint): Promise<void> {
  checkFinite(weights);
  const own = replicas && ((file: string) => writeReplicas(file, replicas));
  const content = { net: decode("NetParameter", net), weights, state, side, writeReplicas: own };
  await writeSnapshot(paths, content, format);
}
