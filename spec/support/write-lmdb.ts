import { closeSync, openSync, writeSync } from "node:fs";

const PAGE = 4096;
const HEADER = 16;
const NODE = 8;
/** liblmdb puts larger records on overflow pages, so that at least two nodes fit a page. */
const LARGEST_NODE = (((PAGE - HEADER) / 2) & ~1) - 2;

interface Entry {
  readonly key: Buffer;
  readonly page: number;
}

/**
 * Writes records, given in key order, as an LMDB 0.9 file, page by page from the front; for tests and benchmarks, which cannot
 * call liblmdb. The tree is packed as full as it gets.
 */
export function writeLmdb(path: string, records: Iterable<readonly [key: string, value: Uint8Array]>): void {
  const fd = openSync(path, "w");
  let next = 2;
  const append = (pages: Buffer): number => {
    const page = next;
    pages.writeBigUInt64LE(BigInt(page), 0);
    writeAll(fd, pages, page * PAGE);
    next += pages.length / PAGE;
    return page;
  };
  let entries = 0;
  let overflows = 0;
  const leaves = new Level(0x02, append);
  for (const [name, value] of records) {
    const key = Buffer.from(name);
    entries++;
    if (NODE + key.length + value.length <= LARGEST_NODE) {
      leaves.add(key, value.length, 0, value);
      continue;
    }
    const pages = Math.ceil((HEADER + value.length) / PAGE);
    const bytes = Buffer.alloc(pages * PAGE);
    bytes.writeUInt16LE(0x04, 10);
    bytes.writeUInt32LE(pages, 12);
    bytes.set(value, HEADER);
    overflows += pages;
    const pointer = Buffer.alloc(8);
    pointer.writeBigUInt64LE(BigInt(append(bytes)));
    leaves.add(key, value.length, 0x01, pointer);
  }
  let level = leaves.finish();
  const leafPages = level.length;
  let depth = level.length > 0 ? 1 : 0;
  while (level.length > 1) {
    const branch = new Level(0x01, append);
    for (const { key, page } of level) branch.add(key, page % 2 ** 32, Math.floor(page / 2 ** 32), Buffer.alloc(0));
    level = branch.finish();
    depth++;
  }
  const root = level[0]?.page;
  for (const page of [0, 1])
    writeAll(fd, meta(page, { root, depth, entries, leafPages, overflows, last: next - 1 }), page * PAGE);
  closeSync(fd);
}

/** The pages of one level of the tree. */
class Level {
  readonly #flags: number;
  readonly #append: (pages: Buffer) => number;
  readonly #entries: Entry[] = [];
  #page = Buffer.alloc(PAGE);
  #first: Buffer | undefined;
  #lower = HEADER;
  #upper = PAGE;

  constructor(flags: number, append: (pages: Buffer) => number) {
    this.#flags = flags;
    this.#append = append;
  }

  add(key: Buffer, low: number, flags: number, data: Uint8Array): void {
    // A branch's first key is never looked at, and liblmdb leaves it out.
    const stored = this.#flags === 0x01 && !this.#first ? Buffer.alloc(0) : key;
    const size = (NODE + stored.length + data.length + 1) & ~1;
    if (this.#lower + 2 + size > this.#upper) {
      this.#flush();
      this.add(key, low, flags, data);
      return;
    }
    this.#first ??= key;
    this.#upper -= size;
    this.#page.writeUInt16LE(this.#upper, this.#lower);
    this.#lower += 2;
    this.#page.writeUInt32LE(low, this.#upper);
    this.#page.writeUInt16LE(flags, this.#upper + 4);
    this.#page.writeUInt16LE(stored.length, this.#upper + 6);
    this.#page.set(stored, this.#upper + NODE);
    this.#page.set(data, this.#upper + NODE + stored.length);
  }

  finish(): readonly Entry[] {
    if (this.#first) this.#flush();
    return this.#entries;
  }

  #flush(): void {
    this.#page.writeUInt16LE(this.#flags, 10);
    this.#page.writeUInt16LE(this.#lower, 12);
    this.#page.writeUInt16LE(this.#upper, 14);
    this.#entries.push({ key: this.#first!, page: this.#append(this.#page) });
    this.#page = Buffer.alloc(PAGE);
    this.#first = undefined;
    this.#lower = HEADER;
    this.#upper = PAGE;
  }
}

interface Meta {
  readonly root: number | undefined;
  readonly depth: number;
  readonly entries: number;
  readonly leafPages: number;
  readonly overflows: number;
  readonly last: number;
}

function meta(page: number, { root, depth, entries, leafPages, overflows, last }: Meta): Buffer {
  const bytes = Buffer.alloc(PAGE);
  bytes.writeBigUInt64LE(BigInt(page), 0);
  bytes.writeUInt16LE(0x08, 10);
  bytes.writeUInt32LE(0xbeefc0de, 16);
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(BigInt(last + 1) * BigInt(PAGE), 32);
  bytes.writeUInt32LE(PAGE, 40);
  bytes.writeBigUInt64LE(0xffffffffffffffffn, 80);
  bytes.writeUInt16LE(depth, 94);
  bytes.writeBigUInt64LE(BigInt(leafPages), 104);
  bytes.writeBigUInt64LE(BigInt(overflows), 112);
  bytes.writeBigUInt64LE(BigInt(entries), 120);
  bytes.writeBigUInt64LE(root === undefined ? 0xffffffffffffffffn : BigInt(root), 128);
  bytes.writeBigUInt64LE(BigInt(last), 136);
  bytes.writeBigUInt64LE(BigInt(page), 144);
  return bytes;
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
}
