import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import protobuf from "protobufjs/light.js";
import { sizeText } from "../budget.js";
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
      const { id, wire, end } = fieldPlace(bytesAt(handle, HEAD_BYTES, at), at, file);
      fields.add(`${id} ${wire}`);
      at = end;
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

/** Place of a field in a file: the bytes of its tag and its end, and where the contents of a message or list begin. */
export interface FieldPlace {
  readonly id: number;
  readonly wire: number;
  readonly at: number;
  readonly contents: number;
  readonly end: number;
}

/** Places of the fields of a message that is a part of a file. Throws NetrunError naming the file where one is not complete. */
export function* fieldPlaces(
  handle: number,
  { contents, end }: Pick<FieldPlace, "contents" | "end">,
  file: string,
): Generator<FieldPlace, void, void> {
  for (let at = contents; at < end; ) {
    const place = fieldPlace(bytesAt(handle, Math.min(HEAD_BYTES, end - at), at), at, file);
    if (place.end > end) {
      const notes = ["the file is damaged, or cut off (an interrupted download?)"];
      throw new NetrunError(`a field of ${place.end - at} bytes at byte ${at} is not complete in ${end} bytes`, {
        file,
        notes,
      });
    }
    yield place;
    at = place.end;
  }
}

/** The fields of a binary message of any size, tags included, one in memory at a time. Throws NetrunError naming the file if it is damaged. */
export function* fieldsOf(file: string): Generator<Uint8Array, void, void> {
  const handle = openSync(file, "r");
  try {
    const { size } = fstatSync(handle);
    for (const { at, end } of fieldPlaces(handle, { contents: 0, end: size }, file)) {
      const length = end - at;
      if (length > LARGEST_FILE)
        throw new NetrunError(`the field at byte ${at} has ${sizeText(length)}, more than a message can have`, {
          file,
        });
      const bytes = bytesAt(handle, length, at);
      if (bytes.length < length) throw new NetrunError("the file became shorter", { file });
      yield bytes;
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
export function bytesAt(handle: number, length: number, at: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let done = 0;
  for (let more = 1; more > 0 && done < length; done += more)
    more = readSync(handle, bytes, done, length - done, at + done);
  return bytes.subarray(0, done);
}

/** The place of the field that begins with some bytes. Throws NetrunError where no field begins. */
function fieldPlace(head: Uint8Array, at: number, file: string): FieldPlace {
  const reader = new protobuf.Reader(head);
  try {
    const tag = reader.tag();
    const [id, wire] = [tag >>> 3, tag & 7];
    if (wire === 2) {
      const length = lengthAt(reader);
      return { id, wire, at, contents: at + reader.pos, end: at + reader.pos + length };
    }
    reader.skipType(wire);
    return { id, wire, at, contents: at, end: at + reader.pos };
  } catch (cause) {
    throw new NetrunError(`no field of the message begins at byte ${at}`, { file, cause });
  }
}

/** A length of any size, of which protobuf's reader would take the last 32 bits. */
function lengthAt(reader: protobuf.Reader): number {
  let length = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = reader.buf[reader.pos++];
    if (byte === undefined) throw new RangeError("the file ends inside a length");
    length += (byte % 128) * scale;
    if (byte < 128) return length;
  }
}
