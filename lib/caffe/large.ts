import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import protobuf from "protobufjs/light.js";
import { NetrunError } from "../error.js";
import { type Content, contentOfFields } from "./content.js";
import { LARGEST_FILE, wholeFileLimit } from "./files.js";

// Protobuf ends at 2 GB a message, Caffe's writers do not: a larger file is read field by field, each of which is a message of its own.

/** The kind of a binary file that is larger than those read whole, by its fields; undefined for smaller ones, and where they do not tell. */
export function largeContent(file: string): Content | undefined {
  const { size } = statSync(file);
  if (size <= wholeFileLimit()) return undefined;
  const handle = openSync(file, "r");
  const fields = new Set<string>();
  try {
    for (let at = 0, count = 0; at < size && count < MOST_FIELDS; count++) {
      const head = bytesAt(handle, HEAD_BYTES, at);
      at += fieldLength(head, at, file);
      const tag = new protobuf.Reader(head).tag();
      fields.add(`${tag >>> 3} ${tag & 7}`);
    }
  } catch {
    // What is no field ends the list.
  } finally {
    closeSync(handle);
  }
  return contentOfFields(fields);
}

/** More than the layers of any net. */
const MOST_FIELDS = 100_000;

/** The fields of a binary message of any size, tags included, one in memory at a time. Throws NetrunError naming the file if it is damaged. */
export function* fieldsOf(file: string): Generator<Uint8Array, void, void> {
  const handle = openSync(file, "r");
  try {
    const { size } = fstatSync(handle);
    for (let at = 0; at < size; ) {
      const length = fieldLength(bytesAt(handle, Math.min(HEAD_BYTES, size - at), at), at, file);
      if (at + length > size || length > LARGEST_FILE) {
        const notes = ["the file is damaged, or cut off (an interrupted download?)"];
        throw new NetrunError(`a field of ${length} bytes at byte ${at} is not complete in ${size} bytes`, {
          file,
          notes,
        });
      }
      const bytes = bytesAt(handle, length, at);
      if (bytes.length < length) throw new NetrunError("the file became shorter", { file });
      yield bytes;
      at += length;
    }
  } finally {
    closeSync(handle);
  }
}

/** The pieces of a message as one. */
export function together(pieces: Iterable<Uint8Array>): Uint8Array {
  const all = [...pieces];
  const bytes = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of all) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** A tag and a length: as many bytes as they can have. */
const HEAD_BYTES = 16;

/** So many bytes, or those up to the end of the file. */
function bytesAt(handle: number, length: number, at: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  for (let more = 1; more > 0 && done < length; done += more)
    more = readSync(handle, bytes, done, length - done, at + done);
  return bytes.subarray(0, done);
}

/** The bytes of a field, its tag included. Throws NetrunError where no field begins. */
function fieldLength(head: Uint8Array, at: number, file: string): number {
  const reader = new protobuf.Reader(head);
  try {
    const wire = reader.tag() & 7;
    if (wire === 2) {
      const length = reader.uint32();
      return reader.pos + length;
    }
    reader.skipType(wire);
    return reader.pos;
  } catch (cause) {
    throw new NetrunError(`no field of the message begins at byte ${at}`, { file, cause });
  }
}
