import { statSync } from "node:fs";
import { join } from "node:path";
import { NetrunError } from "../../../error.js";
import { damagedPage, type LmdbMeta, P_BRANCH, P_LEAF, P_OVERFLOW, PAGE_HEADER, readMeta } from "./meta.js";
import { WindowedFile } from "./pages.js";

// A reader of our own because no package fits: `lmdb` reads another version of the file format and crashes on Caffe's
// files, and `node-lmdb`'s binaries need a newer glibc than Debian 12 has. Reading alone, without locks or
// transactions, is small.

const NODE_HEADER = 8;
const F_BIGDATA = 0x01;
const F_SUBDATA = 0x02;
const F_DUPDATA = 0x04;

/** For each branch page, how many records there are under its children up to each one. */
export type LmdbIndex = ReadonlyMap<number, Float64Array>;

/** One level of the path from the root to the current leaf. */
interface Level {
  page: number;
  /** A copy of the page: the file's window moves on when an overflow page is read. */
  readonly bytes: Buffer;
  count: number;
  index: number;
}

/**
 * A read-only cursor over an LMDB 0.9 database, in key order. `path` is the file or the folder that holds
 * `data.mdb`. Whatever the file holds, a call ends, reads only inside the file, and throws a NetrunError that names
 * file and page where something is wrong: levels are bounded, keys must ascend, records must be as many as promised.
 */
export class LmdbCursor {
  readonly #file: WindowedFile;
  readonly #meta: LmdbMeta;
  readonly #path: Level[] = [];
  #ordinal = -1;
  #key: Buffer = Buffer.alloc(0);
  #hasKey = false;
  #node = 0;

  constructor(path: string) {
    this.#file = new WindowedFile(dataFile(path));
    try {
      this.#meta = readMeta(this.#file);
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  /** The file that is read. */
  get file(): string {
    return this.#file.path;
  }

  /** Records in the database. */
  get length(): number {
    return this.#meta.entries;
  }

  /** The key of the current record; valid until the cursor moves. */
  get key(): Buffer {
    return this.#key;
  }

  /** Moves to the next record; false after the last one. */
  next(): boolean {
    if (this.#ordinal + 1 >= this.#meta.entries) return this.#finish();
    const leaf = this.#ordinal < 0 ? this.#descend(0, this.#meta.root) : this.#advance();
    this.#ordinal++;
    this.#enter(leaf);
    return true;
  }

  /**
   * Counts the records under every page: the tree itself has no counts, so this reads every leaf page once, but no values.
   * Throws a NetrunError where they are not as many as promised.
   */
  index(): LmdbIndex {
    const index = new Map<number, Float64Array>();
    const { depth, root, entries } = this.#meta;
    const total = depth > 0 ? this.#count(0, root, index, { left: entries }) : 0;
    if (total !== entries) throw damagedPage(this.#file, root, `${total} records, not the ${entries} promised`);
    this.#path.length = 0;
    this.#ordinal = -1;
    this.#hasKey = false;
    return index;
  }

  /** Moves to record `ordinal` (0 is the first), which must exist, by the index of this file. */
  seek(ordinal: number, index: LmdbIndex): void {
    if (!(ordinal >= 0 && ordinal < this.#meta.entries)) throw new RangeError(`no record ${ordinal} of ${this.length}`);
    this.#hasKey = false;
    let rest = ordinal;
    let level = this.#load(0, this.#meta.root);
    for (let depth = 1; depth < this.#meta.depth; depth++) {
      const ends = index.get(level.page)!;
      level.index = ends.findIndex((end) => rest < end);
      rest -= level.index > 0 ? ends[level.index - 1]! : 0;
      level = this.#load(depth, this.#child(level));
    }
    level.index = rest;
    this.#ordinal = ordinal;
    this.#enter(level);
  }

  /** The value of the current record; valid until the cursor moves or the value is read again. */
  value(): Buffer {
    const leaf = this.#path.at(-1)!;
    const { bytes } = leaf;
    const at = this.#node;
    const size = bytes.readUInt32LE(at);
    const flags = uint16(bytes, at + 4);
    const data = at + NODE_HEADER + uint16(bytes, at + 6);
    if (flags & (F_SUBDATA | F_DUPDATA))
      throw new NetrunError(`page ${leaf.page}: a record is a named database, or holds several values`, {
        file: this.#file.path,
        notes: ["Datums are read from the file's main database, one for each key, as Caffe writes them"],
      });
    if (flags & F_BIGDATA) {
      if (data + 8 > bytes.length) throw damagedPage(this.#file, leaf.page, "a record crosses the page's end");
      return this.#overflow(leaf.page, Number(bytes.readBigUInt64LE(data)), size);
    }
    if (data + size > bytes.length) throw damagedPage(this.#file, leaf.page, "a record crosses the page's end");
    return bytes.subarray(data, data + size);
  }

  close(): void {
    this.#file.close();
  }

  #finish(): false {
    // More records than promised would otherwise be dropped in silence.
    const leaf = this.#path.at(-1);
    const more =
      leaf &&
      (leaf.index + 1 < leaf.count || this.#path.some((l, i) => i + 1 < this.#path.length && l.index + 1 < l.count));
    if (more) throw damagedPage(this.#file, leaf.page, `more records than the ${this.#meta.entries} promised`);
    return false;
  }

  #advance(): Level {
    const leaf = this.#path.at(-1)!;
    if (leaf.index + 1 >= leaf.count) return this.#nextLeaf();
    leaf.index++;
    return leaf;
  }

  #nextLeaf(): Level {
    for (let depth = this.#path.length - 2; depth >= 0; depth--) {
      const level = this.#path[depth]!;
      if (level.index + 1 >= level.count) continue;
      level.index++;
      return this.#descend(depth + 1, this.#child(level));
    }
    throw damagedPage(this.#file, this.#meta.root, `fewer records than the ${this.#meta.entries} promised`);
  }

  /** Counts the records under a page; `budget` bounds the walk, whatever the pages say. */
  #count(depth: number, page: number, index: Map<number, Float64Array>, budget: { left: number }): number {
    const level = this.#load(depth, page);
    if (depth === this.#meta.depth - 1) {
      budget.left -= level.count;
      if (budget.left < 0) throw damagedPage(this.#file, page, `more records than the ${this.#meta.entries} promised`);
      return level.count;
    }
    const ends = new Float64Array(level.count);
    let total = 0;
    for (level.index = 0; level.index < ends.length; level.index++) {
      total += this.#count(depth + 1, this.#child(level), index, budget);
      ends[level.index] = total;
    }
    index.set(page, ends);
    return total;
  }

  /** Loads `page` at level `depth` and its first children down to a leaf. */
  #descend(depth: number, page: number): Level {
    let level = this.#load(depth, page);
    while (++depth < this.#meta.depth) level = this.#load(depth, this.#child(level));
    return level;
  }

  #load(depth: number, page: number): Level {
    const source = this.#page(page);
    const { pageSize } = this.#meta;
    const isLeaf = depth === this.#meta.depth - 1;
    const flags = source.readUInt16LE(10);
    if ((flags & (P_BRANCH | P_LEAF)) !== (isLeaf ? P_LEAF : P_BRANCH))
      throw damagedPage(this.#file, page, `not a ${isLeaf ? "leaf" : "branch"} page (flags 0x${flags.toString(16)})`);
    const lower = source.readUInt16LE(12);
    const count = (lower - PAGE_HEADER) >> 1;
    if (lower < PAGE_HEADER + 2 || lower > pageSize)
      throw damagedPage(this.#file, page, `${count} entries are impossible`);
    let level = this.#path[depth];
    if (!level) {
      level = { page, bytes: Buffer.alloc(pageSize), count, index: 0 };
      this.#path.push(level);
    }
    source.copy(level.bytes);
    level.page = page;
    level.count = count;
    level.index = 0;
    return level;
  }

  /** Offset of entry `index` of a level; its header and key lie inside the page. */
  #nodeAt(level: Level): number {
    const { bytes } = level;
    const at = uint16(bytes, PAGE_HEADER + 2 * level.index);
    if (
      at < PAGE_HEADER + 2 * level.count ||
      at + NODE_HEADER > bytes.length ||
      at + NODE_HEADER + uint16(bytes, at + 6) > bytes.length
    )
      throw damagedPage(this.#file, level.page, `entry ${level.index} lies outside the page`);
    return at;
  }

  #child(level: Level): number {
    const at = this.#nodeAt(level);
    return level.bytes.readUInt32LE(at) + level.bytes.readUInt16LE(at + 4) * 2 ** 32;
  }

  /** Makes the leaf's entry the current record; keys that do not ascend show a damaged or circular tree. */
  #enter(leaf: Level): void {
    const at = this.#nodeAt(leaf);
    const start = at + NODE_HEADER;
    const size = uint16(leaf.bytes, at + 6);
    if (this.#hasKey && !isAbove(leaf.bytes, start, size, this.#key))
      throw damagedPage(this.#file, leaf.page, `the key of entry ${leaf.index} is not above the one before it`);
    if (this.#key.length !== size) this.#key = Buffer.alloc(size);
    for (let i = 0; i < size; i++) this.#key[i] = leaf.bytes[start + i]!;
    this.#hasKey = true;
    this.#node = at;
  }

  #page(page: number): Buffer {
    const { pageSize, lastPage } = this.#meta;
    if (page < 2 || page > lastPage)
      throw damagedPage(this.#file, page, `there is no such page (the last is ${lastPage})`);
    const bytes = this.#file.bytes(page * pageSize, pageSize, `page ${page}`);
    if (Number(bytes.readBigUInt64LE(0)) !== page) throw damagedPage(this.#file, page, "the page has another number");
    return bytes;
  }

  #overflow(from: number, page: number, size: number): Buffer {
    const { pageSize, lastPage } = this.#meta;
    const pages = Math.floor((PAGE_HEADER - 1 + size) / pageSize) + 1;
    if (page < 2 || page + pages - 1 > lastPage)
      throw damagedPage(this.#file, from, `a record of ${size} bytes on page ${page} lies outside the file`);
    const bytes = this.#file.bytes(page * pageSize, PAGE_HEADER + size, `the record on page ${page}`);
    if (Number(bytes.readBigUInt64LE(0)) !== page || (bytes.readUInt16LE(10) & P_OVERFLOW) === 0)
      throw damagedPage(this.#file, page, "not an overflow page");
    if (bytes.readUInt32LE(12) < pages)
      throw damagedPage(this.#file, page, `too few pages for a record of ${size} bytes`);
    return bytes.subarray(PAGE_HEADER);
  }
}

/** Tests whether the key at a place is above another; keys are short, and a loop is faster than the calls that Buffer has for this. */
function isAbove(bytes: Uint8Array, start: number, size: number, other: Uint8Array): boolean {
  const common = Math.min(size, other.length);
  for (let i = 0; i < common; i++) if (bytes[start + i] !== other[i]) return bytes[start + i]! > other[i]!;
  return size > other.length;
}

/** A little-endian number of 16 bits; without the checks of Buffer's own, which cost more than the reading. */
const uint16 = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);

/** The file of an LMDB database that is named by its folder or by the file itself. */
export function dataFile(path: string): string {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, "data.mdb") : path;
}
