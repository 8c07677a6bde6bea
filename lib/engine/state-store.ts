import { existsSync, rmSync } from "node:fs";
import type { Vector } from "./vector.js";
import { VectorFile } from "./vector-file.js";

/** Place of a store, as plain data: memory that threads share, the path of a file, or a block that a cluster has. */
export type StorePlace = SharedArrayBuffer | string | RemoteBlock;

/** A block of a cluster, which its workers get as a file. */
export interface RemoteBlock {
  readonly block: number;
}

/** A replica's state that is kept where it outlives the replica. */
export interface KeptState {
  readonly place: StorePlace;
  /** Fills vectors, from its first float on. */
  read(vectors: readonly Float32Array[]): void | Promise<void>;
  /** Gives its memory back. */
  delete(): void;
}

/** Storage of one replica's kept states, where they are on its cluster. */
export interface RemoteStates {
  newState(): KeptState;
}

/**
 * Store of a replica's state vectors, one after the other. It outlives the thread or process of the replica: its
 * successor reads it, and so does the engine, but only when it is asked for states.
 */
export interface StateStore extends KeptState {
  /** Writes vectors, the first one from float `at` on. */
  write(vectors: readonly Float32Array[], at?: number): void;
  /** Fills vectors, from its first float on. */
  read(vectors: readonly Float32Array[]): void;
  /** Its first floats as a vector. */
  vector(length: number): Vector;
  close(): void;
  /** Closes it, and gives its memory back. */
  delete(): void;
}

/** Opens the store at a place; a file that is not there yet is made. */
export function openStore(place: StorePlace): StateStore {
  if (place instanceof SharedArrayBuffer) return sharedStore(place);
  if (typeof place !== "string") throw new Error(`block ${place.block} is not on this machine`);
  const file = new VectorFile(place, !existsSync(place));
  return {
    place,
    write: (vectors, at) => file.write(vectors, at),
    read: (vectors) => file.read(vectors),
    vector: (length) => file.vector(0, length),
    close: () => file.close(),
    delete() {
      file.close();
      rmSync(place, { force: true });
    },
  };
}

function sharedStore(place: SharedArrayBuffer): StateStore {
  const values = new Float32Array(place);
  return {
    place,
    write(vectors, at = 0) {
      let end = at;
      for (const vector of vectors) {
        values.set(vector, end);
        end += vector.length;
      }
    },
    read(vectors) {
      let end = 0;
      for (const vector of vectors) {
        vector.set(values.subarray(end, end + vector.length));
        end += vector.length;
      }
    },
    vector: (length) => ({ length, piece: (from, to) => values.subarray(from, to) }),
    close() {},
    // Whoever still has the memory may write into it; it goes when nobody has.
    delete() {},
  };
}
