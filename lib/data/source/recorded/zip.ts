import { crc32, inflateRawSync } from "node:zlib";
import { checkAlloc } from "../../../budget.js";

// Node has the codec and the checksum; the packages that read archives trust the declared sizes, check no CRC, or stream.
// Source: PKWARE's APPNOTE.TXT, 4.3.

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;
/** Deflate makes at most 1032 bytes of one. */
const MOST_DEFLATED = 1032;

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

/**
 * The files of a ZIP archive by name: stored or deflated, each checked against its size and CRC-32. Throws an Error saying what is
 * wrong with a damaged archive, and a NetrunError where it declares more than may be allocated.
 */
export function unzip(bytes: Uint8Array, file: string): ReadonlyMap<string, Uint8Array> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = directory(buffer);
  const unpacked = entries.reduce((sum, { method, size }) => sum + (method === STORED ? 0 : size), 0);
  checkAlloc(unpacked, "the archive's unpacked files", file);
  const files = new Map<string, Uint8Array>();
  for (const entry of entries) {
    if (files.has(entry.name)) throw new Error(`it has two files "${entry.name}"`);
    files.set(entry.name, content(buffer, entry));
  }
  return files;
}

/** The entries of the directory at the archive's end, in order. */
function directory(buffer: Buffer): Entry[] {
  const end = endOf(buffer);
  const count = buffer.readUInt16LE(end + 10);
  const size = buffer.readUInt32LE(end + 12);
  let at = buffer.readUInt32LE(end + 16);
  if (at + size !== end) throw new Error("its directory does not lie before its end");
  const entries: Entry[] = [];
  while (at < end) {
    if (at + ENTRY_BYTES > end || buffer.readUInt32LE(at) !== ENTRY) throw new Error("its directory is damaged");
    const nameLength = buffer.readUInt16LE(at + 28);
    const next = at + ENTRY_BYTES + nameLength + buffer.readUInt16LE(at + 30) + buffer.readUInt16LE(at + 32);
    if (next > end) throw new Error("its directory is damaged");
    entries.push({
      name: buffer.toString("utf8", at + ENTRY_BYTES, at + ENTRY_BYTES + nameLength),
      method: buffer.readUInt16LE(at + 10),
      crc: buffer.readUInt32LE(at + 16),
      packed: buffer.readUInt32LE(at + 20),
      size: buffer.readUInt32LE(at + 24),
      offset: buffer.readUInt32LE(at + 42),
    });
    at = next;
  }
  if (entries.length !== count) throw new Error(`its directory has ${entries.length} files, not the ${count} promised`);
  checkOverlaps(entries);
  return entries;
}

/** The record at the archive's end, which a comment may follow. */
function endOf(buffer: Buffer): number {
  for (let at = buffer.length - END_BYTES; at >= Math.max(0, buffer.length - END_BYTES - 0xffff); at--)
    if (buffer.readUInt32LE(at) === END && at + END_BYTES + buffer.readUInt16LE(at + 20) === buffer.length) return at;
  throw new Error("its end is missing");
}

/** Files that share bytes unpack to much more than the archive could hold. */
function checkOverlaps(entries: readonly Entry[]): void {
  let end = 0;
  for (const { name, offset, packed } of entries.toSorted((a, b) => a.offset - b.offset)) {
    if (offset < end) throw new Error(`its file "${name}" overlaps another one`);
    end = offset + LOCAL_BYTES + packed;
  }
}

function content(buffer: Buffer, { name, method, crc, packed, size, offset }: Entry): Uint8Array {
  const fail = (what: string) => new Error(`its file "${name}" ${what}`);
  if (offset + LOCAL_BYTES > buffer.length || buffer.readUInt32LE(offset) !== LOCAL) throw fail("has no header");
  const start = offset + LOCAL_BYTES + buffer.readUInt16LE(offset + 26) + buffer.readUInt16LE(offset + 28);
  if (start + packed > buffer.length) throw fail("is cut off");
  if (method !== STORED && method !== DEFLATED) throw fail(`is packed by method ${method}, which is not deflate`);
  const raw = buffer.subarray(start, start + packed);
  const data = method === STORED ? raw : inflated(raw, size, fail);
  if (data.length !== size) throw fail(`has ${data.length} bytes, not the ${size} declared`);
  if (crc32(data) !== crc) throw fail("has another checksum than the archive says");
  return data;
}

function inflated(raw: Buffer, size: number, fail: (what: string) => Error): Uint8Array {
  if (size > raw.length * MOST_DEFLATED) throw fail(`declares ${size} bytes, more than ${raw.length} can unpack to`);
  if (size === 0) return new Uint8Array(0);
  try {
    return inflateRawSync(raw, { maxOutputLength: size });
  } catch (cause) {
    throw fail(`does not unpack to ${size} bytes: ${(cause as Error).message}`);
  }
}
