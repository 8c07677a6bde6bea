import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { NetrunError } from "../../../error.js";

/** Smallest and largest read, in bytes: a window grows while reads follow one another and shrinks when they jump. */
const WINDOW_MIN = 16 * 1024;
const WINDOW_MAX = 1024 * 1024;

/**
 * A file read in bounded windows: `bytes` never reads outside the file and holds at most one window (1 MiB) and
 * one oversized value in memory. Reads are synchronous: they come from the page cache or from a worker thread.
 */
export class WindowedFile {
  readonly path: string;
  readonly size: number;
  readonly #fd: number;
  #window = Buffer.alloc(WINDOW_MIN);
  #start = 0;
  #end = 0;
  #large = Buffer.alloc(0);

  /** Opens a file to read; throws a NetrunError where it cannot. */
  constructor(path: string) {
    this.path = path;
    try {
      this.#fd = openSync(path, "r");
    } catch (cause) {
      throw new NetrunError("cannot open the file to read it", { file: path, notes: [String(cause)], cause });
    }
    this.size = fstatSync(this.#fd).size;
  }

  /**
   * The bytes [offset, offset + length), valid until the next call; throws a NetrunError where the file does not
   * have them. `what` names them in that error.
   */
  bytes(offset: number, length: number, what: string): Buffer {
    if (offset >= this.#start && offset + length <= this.#end)
      return this.#window.subarray(offset - this.#start, offset - this.#start + length);
    if (!(offset >= 0 && offset + length <= this.size))
      throw new NetrunError(`${what} lies outside the file (it has ${this.size} bytes)`, {
        file: this.path,
        notes: ["the file is truncated or damaged: copy it again from where it came from"],
      });
    if (length > WINDOW_MAX) return this.#readLarge(offset, length, what);
    this.#fill(offset, length, what);
    return this.#window.subarray(0, length);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #fill(offset: number, length: number, what: string): void {
    const followsOn = offset >= this.#start && offset <= this.#end + WINDOW_MIN;
    const wanted = followsOn ? Math.min(WINDOW_MAX, this.#window.length * 2) : WINDOW_MIN;
    const capacity = Math.max(wanted, length);
    if (capacity !== this.#window.length) this.#window = Buffer.allocUnsafeSlow(capacity);
    this.#start = offset;
    this.#end = offset + this.#read(this.#window, offset, length, what);
  }

  #readLarge(offset: number, length: number, what: string): Buffer {
    if (this.#large.length < length) this.#large = Buffer.allocUnsafeSlow(length);
    this.#read(this.#large.subarray(0, length), offset, length, what);
    return this.#large.subarray(0, length);
  }

  /** Fills `into` from `offset`; at least `needed` bytes, fewer than its length only at the file's end. */
  #read(into: Buffer, offset: number, needed: number, what: string): number {
    let got = 0;
    while (got < into.length) {
      const n = readSync(this.#fd, into, got, into.length - got, offset + got);
      if (n === 0) break;
      got += n;
    }
    if (got < needed) throw new NetrunError(`${what} could not be read: the file became shorter`, { file: this.path });
    return got;
  }
}
