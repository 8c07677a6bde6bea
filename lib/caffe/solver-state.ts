import { blobProto } from "./blob.js";
import { refuseOther } from "./content.js";
import { readBytes, requireFile } from "./files.js";
import { isHdf5, readHdf5State } from "./hdf5.js";
import { fieldsOf, largeContent, together } from "./large.js";
import { create, decode, encode, has } from "./message.js";
import type { SolverState } from "./messages.js";
import { type StoredBlob, storedBlob } from "./stored.js";

/** A solver state file: where training was, and the solver's history blobs (one or two per parameter). */
export interface StoredState {
  readonly iter: number;
  /** The weights file that goes with it, as the writer named it. */
  readonly learned_net: string;
  readonly current_step: number;
  readonly history: readonly StoredBlob[];
}

/** Reads a .solverstate, binary or HDF5. Throws NetrunError for a file that is missing or damaged. */
export async function readSolverState(path: string): Promise<StoredState> {
  const file = requireFile(path);
  if (isHdf5(file)) return readHdf5State(file);
  if (largeContent(file) === "state") return stateByParts(file);
  const { path: found, bytes } = readBytes(path);
  refuseOther("SolverState", bytes, found);
  return decodeSolverState(bytes, found);
}

/** Reads a binary SolverState of any size. */
export const stateByParts = (file: string): StoredState =>
  stateOf(
    Array.from(fieldsOf(file), (bytes) => decode("SolverState", bytes, file)),
    file,
  );

/** Reads a binary SolverState. */
export function decodeSolverState(bytes: Uint8Array, file?: string): StoredState {
  return stateOf([decode("SolverState", bytes, file)], file);
}

/** A state from messages that were one, field by field. */
function stateOf(parts: readonly SolverState[], file?: string): StoredState {
  const last = <F extends "iter" | "learned_net" | "current_step">(field: F): SolverState[F] =>
    (parts.findLast((part) => has(part, field)) ?? parts[0] ?? create("SolverState", {}))[field];
  const history = parts.flatMap((part) => part.history).map((blob, i) => storedBlob(blob, `history ${i}`, file));
  return { iter: last("iter"), learned_net: last("learned_net"), current_step: last("current_step"), history };
}

/** The bytes of a .solverstate that Caffe reads, blob by blob. */
export function* statePieces({
  iter,
  learned_net,
  current_step,
  history,
}: StoredState): Generator<Uint8Array, void, void> {
  yield encode(create("SolverState", { iter, learned_net }));
  for (const { shape, data } of history) yield encode(create("SolverState", { history: [blobProto(shape, data)] }));
  yield encode(create("SolverState", { current_step }));
}

/** The same as one. */
export const encodeSolverState = (state: StoredState): Uint8Array => together(statePieces(state));
