import { ByteReader, Corruption } from "./bytes.js";
import { maskedCrc32c } from "./crc32c.js";
import type { Entry } from "./entry.js";

const BLOCK = 32_768;
const HEADER = 7;
/** Continuation of a record's piece: zeros are what a writer that maps files leaves at the end. */
const PIECE = { zero: 0, full: 1, first: 2, middle: 3, last: 4 } as const;

/**
 * The records of a log file (a manifest is one too): pieces in blocks of 32 KiB, each with its checksum. Throws a Corruption at
 * whatever LevelDB's paranoid checks report, and also where the file ends within a record, which LevelDB takes for the
 * end of what an interrupted writer wrote. Source: LevelDB's log_format.md and log_reader.cc.
 */
export function* logRecords(bytes: Buffer): Generator<Buffer> {
  let pieces: Buffer[] | undefined;
  for (let at = 0; at < bytes.length; ) {
    const left = BLOCK - (at % BLOCK);
    // The rest of a block that has no room for a header is filled with zeros.
    if (left < HEADER) {
      at += left;
      continue;
    }
    if (at + HEADER > bytes.length) throw cutOff(at);
    const length = bytes.readUInt16LE(at + 4);
    const type = bytes[at + 6]!;
    if (type === PIECE.zero && length === 0 && isZero(bytes, at, at + left)) {
      at += left;
      continue;
    }
    if (HEADER + length > left) throw new Corruption(`a record at byte ${at} crosses its block`);
    if (at + HEADER + length > bytes.length) throw cutOff(at);
    if (maskedCrc32c(bytes.subarray(at + 6, at + HEADER + length)) !== bytes.readUInt32LE(at))
      throw new Corruption(`the record at byte ${at} has a wrong checksum`);
    const piece = bytes.subarray(at + HEADER, at + HEADER + length);
    const starts = type === PIECE.full || type === PIECE.first;
    if (type < PIECE.full || type > PIECE.last || starts === (pieces !== undefined))
      throw new Corruption(`the record at byte ${at} does not follow the one before`);
    if (starts) pieces = [];
    pieces!.push(piece);
    at += HEADER + length;
    if (type !== PIECE.full && type !== PIECE.last) continue;
    yield pieces!.length === 1 ? piece : Buffer.concat(pieces!);
    pieces = undefined;
  }
  if (pieces) throw cutOff(bytes.length);
}

const cutOff = (at: number) => new Corruption(`it ends inside a record, at byte ${at}`);

function isZero(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < Math.min(end, bytes.length); at++) if (bytes[at] !== 0) return false;
  return true;
}

/** The puts and deletions of a log's records, in the order in which they were written. */
export function* logEntries(bytes: Buffer): Generator<Entry> {
  for (const record of logRecords(bytes)) {
    const reader = new ByteReader(record);
    let sequence = reader.fixed64();
    const count = reader.fixed32();
    let found = 0;
    for (; !reader.isAtEnd; found++) {
      const type = reader.take(1)[0];
      if (type !== 0 && type !== 1) throw new Corruption(`a batch has an entry of the type ${type}`);
      const key = reader.prefixed();
      yield { key, sequence: sequence++, value: type === 1 ? reader.prefixed() : undefined };
    }
    if (found !== count) throw new Corruption(`a batch has ${found} entries, not the ${count} promised`);
  }
}
