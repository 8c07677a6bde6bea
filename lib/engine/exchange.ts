import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { memoryFolder, newScratchFolder } from "../scratch.js";

/** Bytes of one read or write: below what a system call takes at most, and few enough not to hold up the event loop for long. */
const PIECE = 2 ** 26;

/** A folder for files that two processes exchange buffers through: in memory where the system has such a place. */
export function newExchangeFolder(): string {
  return newScratchFolder("exchange", memoryFolder());
}

/** Deletes an exchange folder; it may be gone already. */
export function deleteExchangeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** A file that buffers go through, one after the other: two processes have no memory in common in Node. */
export class Exchange {
  readonly #file: number;

  constructor(path: string, create: boolean) {
    this.#file = openSync(path, create ? "w+" : "r+");
  }

  write(buffers: readonly Float32Array[]): void {
    transfer(buffers, (bytes, from, length, at) => writeSync(this.#file, bytes, from, length, at));
  }

  /** Reads what was written last, whose lengths have to be the same, into buffers. */
  read(buffers: readonly Float32Array[]): void {
    transfer(buffers, (bytes, from, length, at) => readSync(this.#file, bytes, from, length, at));
  }

  close(): void {
    closeSync(this.#file);
  }
}

type Move = (bytes: Uint8Array, from: number, length: number, at: number) => number;

function transfer(buffers: readonly Float32Array[], move: Move): void {
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of buffers) {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    for (let done = 0; done < byteLength; ) {
      const moved = move(bytes, done, Math.min(PIECE, byteLength - done), at + done);
      if (moved === 0) throw new Error("the exchange file is shorter than the buffers");
      done += moved;
    }
    at += byteLength;
  }
}
