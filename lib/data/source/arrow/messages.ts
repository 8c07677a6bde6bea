import { closeSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import {
  CompressionType,
  compressionRegistry,
  Message,
  MessageHeader,
  type RecordBatch,
  RecordBatchReader,
  type Schema,
} from "apache-arrow";
import { Footer } from "apache-arrow/ipc/metadata/file";
import { NetrunError } from "../../../error.js";
import { isFooterBounded, isMessageBounded } from "./bounds.js";
import { unpackLz4 } from "./lz4.js";
import { isWhole } from "./whole.js";
import { unpackZstd } from "./zstd.js";

/** Position of a message of an Arrow file: its length word, metadata and body. */
interface Place {
  readonly offset: number;
  readonly length: number;
  /** Rows, for a record batch. */
  readonly rows: number;
}

/** An Arrow IPC file or stream whose record batches can be read one by one, in any order. */
export interface ArrowMessages {
  readonly path: string;
  /** Rows of each record batch. */
  readonly rows: readonly number[];
  read(index: number): RecordBatch;
  close(): void;
}

const CONTINUATION = 0xffffffff;
const MAGIC = "ARROW1";

/**
 * Opens an Arrow IPC file or stream, reading only the metadata of its messages. We find the messages ourselves because
 * apache-arrow's readers count rows only by reading all bodies. Throws a NetrunError where the file is missing, damaged
 * or not Arrow.
 */
export function openArrow(path: string): ArrowMessages {
  // apache-arrow leaves these to its callers, and wants arrays with buffers of their own.
  compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: unpackLz4 });
  compressionRegistry.set(CompressionType.ZSTD, { decode: unpackZstd });
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (cause) {
    throw new NetrunError("cannot open the file to read it", { file: path, notes: [String(cause)], cause });
  }
  try {
    const { size } = fstatSync(fd);
    const isFile = read(fd, path, 0, Math.min(MAGIC.length, size)).toString("latin1") === MAGIC;
    const { prefix, batches } = isFile ? filePlaces(fd, path, size) : streamPlaces(fd, path, size);
    return {
      path,
      rows: batches.map((place) => place.rows),
      read: (index) => readBatch(fd, path, prefix, batches[index]!),
      close: () => closeSync(fd),
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The Arrow files of a folder, in the order of their names, as one. */
export function openArrowFolder(path: string): ArrowMessages {
  const names = readdirSync(path)
    .filter((name) => name.endsWith(".arrow"))
    .sort();
  const files: ArrowMessages[] = [];
  const close = (): void => {
    for (const file of files) file.close();
  };
  try {
    for (const name of names) files.push(openArrow(join(path, name)));
  } catch (error) {
    close();
    throw error;
  }
  const places = files.flatMap((file) => file.rows.map((rows, index) => ({ file, rows, index })));
  const read = (index: number): RecordBatch => places[index]!.file.read(places[index]!.index);
  return { path, rows: places.map(({ rows }) => rows), read, close };
}

/** Parts of an Arrow file: schema and dictionaries that every record batch needs before it, and the record batches. */
interface Layout {
  readonly prefix: Uint8Array;
  readonly batches: readonly Place[];
}

/** A file's index stands at its end: the footer, its length, the magic word. */
function filePlaces(fd: number, path: string, size: number): Layout {
  const end = size - MAGIC.length - 4;
  if (end < 8 || read(fd, path, end + 4, MAGIC.length).toString("latin1") !== MAGIC) throw damaged(path, size);
  const length = read(fd, path, end, 4).readInt32LE(0);
  if (!(length > 0 && length <= end)) throw damaged(path, end);
  const bytes = read(fd, path, end - length, length);
  if (!isFooterBounded(bytes)) throw damaged(path, end - length);
  const { schema, dictionaries, batches } = decodeFooter(bytes, path, end - length);
  const place = (offset: number): Place => placeAt(fd, path, size, offset).place;
  return {
    prefix: concat([schema, ...dictionaries.map((offset) => bytesOf(fd, path, place(offset)))]),
    batches: batches.map(place),
  };
}

/** The schema as a message, and where the other messages start. */
function decodeFooter(bytes: Uint8Array, path: string, offset: number) {
  try {
    const footer = Footer.decode(bytes);
    const offsets = (blocks: Iterable<{ offset: bigint | number }>) => [...blocks].map((block) => Number(block.offset));
    return {
      // Not every writer puts the schema in front of the first record batch, so it is taken from the footer.
      schema: schemaMessage(footer.schema),
      dictionaries: offsets(footer.dictionaryBatches()),
      batches: offsets(footer.recordBatches()),
    };
  } catch (cause) {
    throw damaged(path, offset, cause);
  }
}

function streamPlaces(fd: number, path: string, size: number): Layout {
  const prefix: Uint8Array[] = [];
  const batches: Place[] = [];
  for (let offset = 0; offset + 8 <= size; ) {
    const { place, isBatch, isEnd } = placeAt(fd, path, size, offset);
    if (isEnd) break;
    if (isBatch) batches.push(place);
    else prefix.push(bytesOf(fd, path, place));
    offset += place.length;
  }
  if (prefix.length === 0) throw damaged(path, 0);
  return { prefix: concat(prefix), batches };
}

/** The message at an offset: [continuation], metadata length, metadata, body. */
function placeAt(fd: number, path: string, size: number, offset: number) {
  if (!(offset >= 0 && offset + 8 <= size)) throw damaged(path, offset);
  const head = read(fd, path, offset, 8);
  const isNew = head.readUInt32LE(0) === CONTINUATION;
  const metadataAt = offset + (isNew ? 8 : 4);
  const metadata = head.readUInt32LE(isNew ? 4 : 0);
  if (metadata === 0) return { place: { offset, length: 8, rows: 0 }, isBatch: false, isEnd: true };
  if (metadataAt + metadata > size) throw damaged(path, offset);
  const { isBatch, rows, bodyLength } = decode(read(fd, path, metadataAt, metadata), path, offset);
  const end = metadataAt + metadata + bodyLength;
  if (!(end > offset && end <= size && rows >= 0)) throw damaged(path, offset);
  return { place: { offset, length: end - offset, rows }, isBatch, isEnd: false };
}

/** A schema as a message of its own; its length is padded to 8 bytes. */
function schemaMessage(schema: Schema): Uint8Array {
  const metadata = Message.encode(Message.from(schema as unknown as Parameters<typeof Message.from>[0]));
  const padded = (metadata.length + 7) & ~7;
  const bytes = new Uint8Array(8 + padded);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, CONTINUATION, true);
  view.setUint32(4, padded, true);
  bytes.set(metadata, 8);
  return bytes;
}

function decode(metadata: Buffer, path: string, offset: number) {
  if (!isMessageBounded(metadata)) throw damaged(path, offset);
  try {
    const message = Message.decode(metadata);
    const isBatch = message.headerType === MessageHeader.RecordBatch;
    const rows = isBatch ? Number((message.header() as unknown as { length: number | bigint }).length) : 0;
    return { isBatch, rows, bodyLength: Number(message.bodyLength) };
  } catch (cause) {
    throw damaged(path, offset, cause);
  }
}

function readBatch(fd: number, path: string, prefix: Uint8Array, place: Place): RecordBatch {
  try {
    const reader = RecordBatchReader.from(concat([prefix, bytesOf(fd, path, place)]));
    for (const batch of reader) if (batch.numRows === place.rows && isWhole(batch)) return batch;
  } catch (cause) {
    if (cause instanceof NetrunError) throw new NetrunError(cause.message, { file: path, notes: cause.notes, cause });
    throw damaged(path, place.offset, cause);
  }
  throw damaged(path, place.offset);
}

function bytesOf(fd: number, path: string, place: Place): Uint8Array {
  return read(fd, path, place.offset, place.length);
}

/** One array with a buffer of its own: typed arrays over record batches have to be aligned, and pooled buffers are not. */
function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function read(fd: number, path: string, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let got = 0;
  while (got < length) {
    const n = readSync(fd, bytes, got, length - got, offset + got);
    if (n === 0) throw damaged(path, offset);
    got += n;
  }
  return bytes;
}

function damaged(path: string, offset: number, cause?: unknown): NetrunError {
  return new NetrunError(`not an Arrow file, or damaged: no whole message at byte ${offset}`, {
    file: path,
    notes: cause === undefined ? [] : [String(cause)],
    cause,
  });
}
