import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { memoryFolder, newScratchFolder } from "../scratch.js";
import type { Vector } from "./vector.js";

/** Bytes of one read or write: below what a system call takes at most, and few enough not to hold up the event loop for long. */
const MOST_BYTES = 2 ** 26;

/** A folder for files of vectors, `kind` in its name: in memory where the system has such a place. */
export function newVectorFolder(kind: "exchange" | "states"): string {
  return newScratchFolder(kind, memoryFolder());
}

/** Deletes a folder of such files; it may be gone already. */
export function deleteVectorFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** A file of vectors, one after the other: two processes have no memory in common in Node. */
export class VectorFile {
  readonly #file: number;
  #piece = new Float32Array(0);

  constructor(path: string, create: boolean) {
    this.#file = openSync(path, create ? "w+" : "r+");
  }

  /** Writes vectors, the first one from float `at` on. */
  write(vectors: readonly Float32Array[], at = 0): void {
    transfer(vectors, at, (bytes, from, length, position) => writeSync(this.#file, bytes, from, length, position));
  }

  /** Fills vectors, the first one from float `at` on. Throws a plain Error if the file is shorter. */
  read(vectors: readonly Float32Array[], at = 0): void {
    transfer(vectors, at, (bytes, from, length, position) => readSync(this.#file, bytes, from, length, position));
  }

  /** The vector of `length` floats that begins at float `at`. */
  vector(at: number, length: number): Vector {
    return {
      length,
      piece: (from, to) => {
        if (this.#piece.length < to - from) this.#piece = new Float32Array(to - from);
        const piece = this.#piece.subarray(0, to - from);
        this.read([piece], at + from);
        return piece;
      },
    };
  }

  close(): void {
    closeSync(this.#file);
  }
}

type Move = (bytes: Uint8Array, from: number, length: number, position: number) => number;

function transfer(vectors: readonly Float32Array[], start: number, move: Move): void {
  let at = start * Float32Array.BYTES_PER_ELEMENT;
  for (const { buffer, byteOffset, byteLength } of vectors) {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    for (let done = 0; done < byteLength; ) {
      const moved = move(bytes, done, Math.min(MOST_BYTES, byteLength - done), at + done);
      if (moved === 0) throw new Error("the file of vectors is shorter than they are");
      done += moved;
    }
    at += byteLength;
  }
}
