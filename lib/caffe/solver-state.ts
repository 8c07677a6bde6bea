import { blobProto } from "./blob.js";
import { refuseOther } from "./content.js";
import { readBytes, requireFile } from "./files.js";
import { isHdf5, readHdf5State } from "./hdf5.js";
import { create, decode, encode } from "./message.js";
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
  const { path: found, bytes } = readBytes(path);
  refuseOther("SolverState", bytes, found);
  return decodeSolverState(bytes, found);
}

/** Reads a binary SolverState. */
export function decodeSolverState(bytes: Uint8Array, file?: string): StoredState {
  const { iter, learned_net, current_step, history } = decode("SolverState", bytes, file);
  return { iter, learned_net, current_step, history: history.map((blob, i) => storedBlob(blob, `history ${i}`, file)) };
}

/** The bytes of a .solverstate that Caffe reads. */
export function encodeSolverState({ iter, learned_net, current_step, history }: StoredState): Uint8Array {
  const blobs = history.map(({ shape, data }) => blobProto(shape, data));
  return encode(create("SolverState", { iter, learned_net, current_step, history: blobs }));
}
