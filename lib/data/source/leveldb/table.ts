import { closeSync, openSync, readSync, statSync } from "node:fs";
import { snappyUncompress } from "hyparquet";
import { checkAlloc } from "../../../budget.js";
import { ByteReader, Corruption } from "./bytes.js";
import { maskedCrc32c } from "./crc32c.js";
import type { Entry } from "./entry.js";

const FOOTER = 48;
const MAGIC = 0xdb4775248b80fb57n;
/** Type and checksum after each block. */
const TRAILER = 5;
const PLAIN = 0;
const SNAPPY = 1;
/** A copy of 64 bytes takes three. */
const MOST_UNPACKED = 22;

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** A block of a table: the last key that may be in it, and where it lies. */
interface IndexEntry extends Handle {
  readonly last: Buffer;
}

/** A sorted table file, of which the index is in memory. Throws a Corruption where it is damaged. Source: LevelDB's table_format.md. */
export class Table {
  readonly #path: string;
  readonly #size: number;
  #fd: number | undefined;
  readonly #index: readonly IndexEntry[];
  /** Blocks whose checksum was right: it takes half the time of reading, and what was read once is not checked again. */
  readonly #checked = new Set<number>();

  /** Opens a file of a known size. */
  constructor(path: string, size: number) {
    this.#path = path;
    this.#size = size;
    try {
      const there = statSync(path).size;
      if (there !== size) throw new Corruption(`it has ${there} bytes, not the ${size} in the manifest`);
      if (size < FOOTER) throw new Corruption("it is too short for a table");
      const footer = this.#read({ offset: size - FOOTER, size: FOOTER });
      if (footer.readBigUInt64LE(FOOTER - 8) !== MAGIC) throw new Corruption("it does not end as a table does");
      const reader = new ByteReader(footer);
      handleOf(reader);
      this.#index = [...entriesOf(this.#block(handleOf(reader)))].map(([key, value]) => {
        if (key.length < 8) throw new Corruption("a key is too short");
        return { last: key.subarray(0, -8), ...handleOf(new ByteReader(value)) };
      });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The entries whose keys are at least `from`, in order. */
  *entries(from: Buffer | undefined): Generator<Entry> {
    for (let i = from ? this.#firstBlock(from) : 0; i < this.#index.length; i++)
      for (const [key, value] of entriesOf(this.#block(this.#index[i]!))) {
        if (key.length < 8) throw new Corruption("a key is too short");
        const user = key.subarray(0, -8);
        if (from && Buffer.compare(user, from) < 0) continue;
        const type = key[key.length - 8]!;
        if (type > 1) throw new Corruption(`a key has the type ${type}`);
        const sequence = key.readUIntLE(key.length - 7, 6) + key[key.length - 1]! * 2 ** 48;
        yield { key: user, sequence, value: type === 1 ? value : undefined };
      }
  }

  /** Closes the file until it is read again. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #firstBlock(from: Buffer): number {
    let [low, high] = [0, this.#index.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (Buffer.compare(this.#index[middle]!.last, from) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #block({ offset, size }: Handle): Buffer {
    if (offset + size + TRAILER > this.#size) throw new Corruption(`a block lies outside the file, at byte ${offset}`);
    const bytes = this.#read({ offset, size: size + TRAILER });
    if (!this.#checked.has(offset) && maskedCrc32c(bytes.subarray(0, size + 1)) !== bytes.readUInt32LE(size + 1))
      throw new Corruption(`the block at byte ${offset} has a wrong checksum`);
    this.#checked.add(offset);
    const content = bytes.subarray(0, size);
    if (bytes[size] === PLAIN) return content;
    if (bytes[size] === SNAPPY) return this.#unpacked(content, offset);
    throw new Corruption(`the block at byte ${offset} is packed by method ${bytes[size]}, which is not snappy`);
  }

  #unpacked(content: Buffer, offset: number): Buffer {
    const size = new ByteReader(content).varint();
    if (size > MOST_UNPACKED * content.length) throw new Corruption(`the block at byte ${offset} cannot be so large`);
    checkAlloc(size, "a block", this.#path);
    const output = Buffer.allocUnsafe(size);
    try {
      snappyUncompress(content, output);
    } catch (cause) {
      throw new Corruption(`the block at byte ${offset} does not unpack: ${(cause as Error).message}`);
    }
    return output;
  }

  #read({ offset, size }: Handle): Buffer {
    this.#fd ??= openSync(this.#path, "r");
    const bytes = Buffer.allocUnsafe(size);
    for (let got = 0; got < size; ) {
      const n = readSync(this.#fd, bytes, got, size - got, offset + got);
      if (n === 0) throw new Corruption("it became shorter");
      got += n;
    }
    return bytes;
  }
}

function handleOf(reader: ByteReader): Handle {
  return { offset: reader.varint(), size: reader.varint() };
}

/** The keys and values of a block; keys share their beginning with the one before. */
function* entriesOf(block: Buffer): Generator<readonly [key: Buffer, value: Buffer]> {
  const restarts = block.length < 4 ? -1 : block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - 4 * restarts;
  if (restarts < 0 || end < 0) throw new Corruption("a block is too short");
  const reader = new ByteReader(block.subarray(0, end));
  let key: Buffer = Buffer.alloc(0);
  while (!reader.isAtEnd) {
    const [shared, rest, length] = [reader.varint(), reader.varint(), reader.varint()];
    if (shared > key.length) throw new Corruption("a key shares more than the one before it has");
    key = Buffer.concat([key.subarray(0, shared), reader.take(rest)]);
    yield [key, reader.take(length)];
  }
}
