import { NetrunError } from "../../../error.js";
import type { WindowedFile } from "./pages.js";

/** Content of a meta page of an LMDB file: the snapshot that a reader sees. */
export interface LmdbMeta {
  /** Bytes in a page. */
  readonly pageSize: number;
  /** The last page in use; pages 0 and 1 are the meta pages. */
  readonly lastPage: number;
  /** Levels of the tree of records, 0 where it is empty. */
  readonly depth: number;
  readonly root: number;
  /** Records in the tree. */
  readonly entries: number;
}

export const PAGE_HEADER = 16;
export const P_BRANCH = 0x01;
export const P_LEAF = 0x02;
export const P_OVERFLOW = 0x04;
const P_META = 0x08;
const META_BYTES = PAGE_HEADER + 136;
const MAGIC = 0xbeefc0de;
const VERSION = 1;
const NO_PAGE = 0xffffffffffffffffn;
/** Limits of liblmdb's cursors. */
const MAX_DEPTH = 32;
/** Flags of a tree whose keys are not plain ascending byte strings: reverse, integer keys, duplicates. */
const UNUSUAL_TREE = 0x02 | 0x04 | 0x08;

/**
 * Reads and checks the two meta pages and gives the newer one. Layout (little-endian, 64 bit): page header
 * {pgno u64, pad u16, flags u16, lower u16, upper u16}, then {magic u32, version u32, address u64, mapsize u64,
 * tree[2] of {pad u32 (pageSize in the first), flags u16, depth u16, branches u64, leaves u64, overflows u64,
 * entries u64, root u64}, lastPage u64, transaction u64}; tree 0 holds the free pages, tree 1 the records.
 * Throws a NetrunError where the file is not a sound LMDB 0.9 file. Source: liblmdb's mdb.c, 0.9.
 */
export function readMeta(file: WindowedFile): LmdbMeta {
  const first = readMetaPage(file, 0, 0);
  const second = readMetaPage(file, 1, first.pageSize);
  if (second.pageSize !== first.pageSize) throw damagedPage(file, 1, "the two meta pages disagree on the page size");
  return second.transaction > first.transaction ? second : first;
}

/** An error about one page of a damaged file. */
export function damagedPage(file: WindowedFile, page: number, what: string): NetrunError {
  return new NetrunError(`page ${page}: ${what}`, {
    file: file.path,
    notes: ["the LMDB file is truncated or damaged: copy it again from where it came from"],
  });
}

function readMetaPage(file: WindowedFile, page: number, pageSize: number): LmdbMeta & { transaction: bigint } {
  const b = file.bytes(page * pageSize, META_BYTES, `meta page ${page}`);
  if (b.readUInt32LE(16) !== MAGIC || (b.readUInt16LE(10) & P_META) === 0) throw notLmdb(file, page, b);
  const version = b.readUInt32LE(20);
  if (version !== VERSION)
    throw new NetrunError(`LMDB data version ${version}; version ${VERSION} (liblmdb 0.9) is what Caffe writes`, {
      file: file.path,
    });
  const size = b.readUInt32LE(40);
  if (size < 256 || size > 65536 || (size & (size - 1)) !== 0)
    throw damagedPage(file, page, `${size} is not a page size`);
  if (b.readUInt16LE(92) & UNUSUAL_TREE)
    throw damagedPage(file, page, "keys are integers, reversed or duplicated, which Caffe never writes");
  const root = b.readBigUInt64LE(128);
  const meta = {
    pageSize: size,
    depth: b.readUInt16LE(94),
    entries: Number(b.readBigUInt64LE(120)),
    root: root === NO_PAGE ? 0 : Number(root),
    lastPage: Number(b.readBigUInt64LE(136)),
    transaction: b.readBigUInt64LE(144),
  };
  check(file, page, meta, root === NO_PAGE);
  return meta;
}

function check(file: WindowedFile, page: number, meta: LmdbMeta, empty: boolean): void {
  if (meta.depth > MAX_DEPTH) throw damagedPage(file, page, `a tree of ${meta.depth} levels is impossible`);
  if (empty !== (meta.depth === 0) || empty !== (meta.entries === 0))
    throw damagedPage(file, page, `${meta.entries} records in a tree of ${meta.depth} levels`);
  // A record takes at least its pointer and node header, 10 bytes, so this bounds every loop over records.
  if (meta.entries > file.size / 10)
    throw damagedPage(file, page, `${meta.entries} records do not fit into ${file.size} bytes`);
}

function notLmdb(file: WindowedFile, page: number, bytes: Buffer): NetrunError {
  if (page === 1) return damagedPage(file, 1, "not a meta page");
  const notes =
    bytes.readUInt32LE(12) === MAGIC
      ? ["it was written on a 32-bit machine: dump and load it with mdb_dump and mdb_load on a 64-bit one"]
      : ["an LMDB database is a folder with a file data.mdb, written by liblmdb 0.9"];
  return new NetrunError("not an LMDB 0.9 file", { file: file.path, notes });
}
