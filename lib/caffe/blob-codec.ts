import protobuf from "protobufjs/light.js";
import { halfValue } from "../graph/index.js";

// The generated codec of protobufjs reads repeated floats into a JS array, number by number: CaffeNet's 61 million weights
// would take 2 GB. Here a packed run of floats, which on the wire is their little-endian memory, is one copy.
// Typed arrays here and in onnxruntime have the machine's byte order: little-endian everywhere Node runs with onnxruntime.

type FloatArray = Float32Array | Float64Array;

/**
 * A reader of bytes that nobody else needs: large runs of floats become views of them, so that a file's weights are in memory once.
 * A run that is not aligned is moved down by up to three bytes, over its own tag and length, which are read by then.
 */
export class InPlaceReader extends protobuf.Reader {}

/** From this many bytes on a run is left in its place. Its length takes two bytes and more, with the tag room enough to move. */
const IN_PLACE_FROM = 4096;

/** The lists of BlobProto that are typed arrays: field number to name and element. */
const LISTS = {
  5: { name: "data", List: Float32Array },
  6: { name: "diff", List: Float32Array },
  8: { name: "double_data", List: Float64Array },
  9: { name: "double_diff", List: Float64Array },
} as const;

/** The lists of C3D's first version, whose blobs have five dims, so that fields from the third on have other numbers than Caffe's. */
const C3D_LISTS = { 6: LISTS[5], 7: LISTS[6] } as const;

const DIMS = { 1: "num", 2: "channels", 3: "height", 4: "width" } as const;

/** NVIDIA's fork keeps values as bytes (field 12) of a type (field 10): 0 double, 1 float, 2 half. */
const RAW = { type: 10, data: 12 } as const;

/** Field of C3D's BlobProto with the last dim: a number, where Caffe has packed floats. */
const C3D_WIDTH = 5;

const WIRE = { varint: 0, bytes: 2 } as const;

/** A BlobProto while it is read. Absent dims are on the prototype, as in every message of protobufjs. */
interface Blob {
  shape?: object | null;
  data: Float32Array;
  diff: Float32Array;
  double_data: Float64Array;
  double_diff: Float64Array;
  num?: number;
  channels?: number;
  height?: number;
  width?: number;
}

/** The lists of a BlobProto without values. */
export function emptyLists(): Pick<Blob, "data" | "diff" | "double_data" | "double_diff"> {
  return {
    data: new Float32Array(0),
    diff: new Float32Array(0),
    double_data: new Float64Array(0),
    double_diff: new Float64Array(0),
  };
}

/** Reads the fields of a BlobProto up to `end` into `blob`. Lists may be packed, unpacked or both. Throws RangeError if cut off. */
export function decodeBlob(reader: protobuf.Reader, end: number, blob: Blob, shapeType: protobuf.Type): void {
  let rawType = 0;
  let raw: Uint8Array | undefined;
  let lists: Readonly<Record<number, (typeof LISTS)[keyof typeof LISTS]>> = LISTS;
  let c3dWidth = 0;
  while (reader.pos < end) {
    const tag = reader.tag();
    const id = tag >>> 3;
    const wire = tag & 7;
    if (id === C3D_WIDTH && wire === WIRE.varint) {
      c3dWidth = reader.int32();
      lists = C3D_LISTS;
    } else if (id in lists) {
      const { name, List } = lists[id]!;
      const size = List.BYTES_PER_ELEMENT;
      if (wire === WIRE.bytes) Object.assign(blob, { [name]: readPacked(reader, blob[name], List) });
      else if (wire === (size === 4 ? 5 : 1))
        Object.assign(blob, { [name]: readUnpacked(reader, end, tag, blob[name], List) });
      else reader.skipType(wire);
    } else if (id in DIMS && wire === WIRE.varint) blob[DIMS[id as keyof typeof DIMS]] = reader.int32();
    else if (id === RAW.type && wire === WIRE.varint) rawType = reader.int32();
    else if (id === RAW.data && wire === WIRE.bytes) raw = reader.bytes();
    else if (id === 7 && wire === WIRE.bytes) blob.shape = shapeType.decode(reader, reader.size());
    else reader.skipType(wire);
  }
  if (raw) Object.assign(blob, rawValues(raw, rawType));
  if (lists === C3D_LISTS) useC3dShape(blob, c3dWidth, shapeType);
}

/** Gives a blob of C3D its five dims [num, channels, length, height, width]: length and height were read as Caffe's height and width. */
function useC3dShape(blob: Blob, width: number, shapeType: protobuf.Type): void {
  const { num = 0, channels = 0, height: length = 0, width: height = 0 } = blob;
  for (const dim of Object.values(DIMS)) delete blob[dim];
  // A matrix or vector has ones before its dims, as in Caffe's four.
  if (num === 1 && channels === 1 && length === 1) Object.assign(blob, { num, channels, height, width });
  else blob.shape = shapeType.create({ dim: [num, channels, length, height, width] });
}

/** Values in NVIDIA's form. Throws RangeError for a type that weights do not have, or a part of a value. */
function rawValues(raw: Uint8Array, type: number): Partial<Blob> {
  const size = [8, 4, 2][type];
  if (size === undefined) throw RangeError(`raw values of type ${type} are not weights`);
  if (raw.length % size !== 0) throw RangeError(`${raw.length} bytes are not a whole number of values`);
  // A copy: the values need not be aligned in the file.
  const { buffer } = Uint8Array.from(raw);
  if (type === 0) return { double_data: new Float64Array(buffer) };
  return { data: type === 1 ? new Float32Array(buffer) : Float32Array.from(new Uint16Array(buffer), halfValue) };
}

/** Writes a BlobProto's own fields, in order of number, lists packed, as Caffe does. */
export function encodeBlob(blob: Blob, writer: protobuf.Writer, shapeType: protobuf.Type): protobuf.Writer {
  for (const [id, name] of Object.entries(DIMS))
    if (Object.hasOwn(blob, name)) writer.uint32((Number(id) << 3) | WIRE.varint).int32(blob[name]!);
  const list = (id: keyof typeof LISTS) => {
    const values: FloatArray = blob[LISTS[id].name];
    if (values.length > 0) writer.uint32((id << 3) | WIRE.bytes).bytes(bytesOf(values));
  };
  list(5);
  list(6);
  if (blob.shape) shapeType.encode(blob.shape, writer.uint32((7 << 3) | WIRE.bytes).fork()).ldelim();
  list(8);
  list(9);
  return writer;
}

function bytesOf(values: FloatArray): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** A packed run, after what came before it (a list may come in several runs). */
function readPacked<L extends FloatArray>(reader: protobuf.Reader, before: L, List: new (length: number) => L): L {
  const bytes = reader.bytes();
  const { BYTES_PER_ELEMENT, length } = before;
  if (bytes.length % BYTES_PER_ELEMENT !== 0)
    throw RangeError(`${bytes.length} bytes are not a whole number of values`);
  if (reader instanceof InPlaceReader && length === 0 && BYTES_PER_ELEMENT === 4 && bytes.length >= IN_PLACE_FROM)
    return aligned(bytes) as L;
  const values = new List(length + bytes.length / BYTES_PER_ELEMENT);
  values.set(before);
  bytesOf(values).set(bytes, length * BYTES_PER_ELEMENT);
  return values;
}

/** Floats as a view of their own bytes, which are moved to where floats may begin. */
function aligned({ buffer, byteOffset, byteLength }: Uint8Array): Float32Array {
  const start = byteOffset - (byteOffset % 4);
  if (start !== byteOffset) new Uint8Array(buffer).copyWithin(start, byteOffset, byteOffset + byteLength);
  return new Float32Array(buffer, start, byteLength / 4);
}

/** A run of single values, each behind its own tag, as writers without `packed` make it. */
function readUnpacked<L extends FloatArray>(
  reader: protobuf.Reader,
  end: number,
  tag: number,
  before: L,
  List: new (length: number) => L,
): L {
  const size = before.BYTES_PER_ELEMENT;
  const { buf } = reader;
  const start = reader.pos;
  // One tag byte is enough for the four lists, so that the run is a row of equal records.
  let count = start + size <= end ? 1 : 0;
  if (count === 0) throw RangeError("the file ends inside a value");
  for (let at = start + size; at + 1 + size <= end && buf[at] === tag; at += 1 + size) count++;
  const values = new List(before.length + count);
  values.set(before);
  const view = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
  for (let i = 0, at = start; i < count; i++, at += 1 + size)
    values[before.length + i] = size === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true);
  reader.pos = start + count * (1 + size) - 1;
  return values;
}
