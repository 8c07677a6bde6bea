import protobuf from "protobufjs/light.js";
import { together } from "./large.js";
import { amend, create, encode } from "./message.js";
import type { LayerParameter, NetParameter } from "./messages.js";
import type { StoredBlob, StoredWeights } from "./stored.js";

/** Field numbers: layers of a net, blobs of a layer, and what a blob has. */
const FIELD = { layer: 100, blobs: 7, data: 5, diff: 6, shape: 7 } as const;

/**
 * The bytes of a .caffemodel that Caffe reads, in pieces: the net with blobs in its layers, as Caffe's Net::ToProto.
 * Gradients are written where blobs have them. Blobs of layers that the net does not have are omitted.
 * Values are not copied; the `data` of a blob is asked for when it is written, and used up before the next.
 */
export function* weightPieces(
  net: NetParameter,
  weights: Pick<StoredWeights, "get">,
): Generator<Uint8Array, void, void> {
  yield encode(amend(net, { layer: [] }));
  for (const layer of net.layer) yield* layerPieces(layer, weights.get(layer.name) ?? []);
}

/** The same as one. */
export const encodeWeights = (net: NetParameter, weights: Pick<StoredWeights, "get">): Uint8Array =>
  together(weightPieces(net, weights));

/** A layer as a field of its net. Fields are written in order of number, so that blobs come between others. */
function* layerPieces(layer: LayerParameter, blobs: readonly StoredBlob[]): Generator<Uint8Array, void, void> {
  const fields = encode(amend(layer, { blobs: [] }));
  const split = endOfFieldsBelow(fields, FIELD.blobs);
  const framed = blobs.map((blob) => {
    const { length, shape } = frame(blob);
    return { blob, shape, length, head: tagAndLength(FIELD.blobs, length) };
  });
  const length = framed.reduce((sum, { head, length: own }) => sum + head.length + own, fields.length);
  yield tagAndLength(FIELD.layer, length);
  yield fields.subarray(0, split);
  for (const { blob, head, shape } of framed) {
    yield head;
    for (const id of [FIELD.data, FIELD.diff] as const) {
      const bytes = bytesIn(blob, id);
      if (bytes === 0) continue;
      yield tagAndLength(id, bytes);
      const values = (id === FIELD.data ? blob.data : blob.diff)!;
      if (values.byteLength !== bytes) throw new RangeError(`a blob [${blob.shape}] has ${values.length} values`);
      yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    }
    yield shape;
  }
  yield fields.subarray(split);
}

/** A blob's length on the wire, and its shape, which comes after its values. */
function frame(blob: StoredBlob): { readonly length: number; readonly shape: Uint8Array } {
  const shape = encode(create("BlobProto", { shape: { dim: blob.shape } }));
  const lists = [FIELD.data, FIELD.diff].map((id) => {
    const bytes = bytesIn(blob, id);
    return bytes === 0 ? 0 : tagAndLength(id, bytes).length + bytes;
  });
  return { shape, length: lists.reduce((sum, each) => sum + each, shape.length) };
}

/** Bytes of a blob's values or gradients, by its shape. */
function bytesIn({ shape, diff }: StoredBlob, id: typeof FIELD.data | typeof FIELD.diff): number {
  return id === FIELD.diff && !diff
    ? 0
    : Float32Array.BYTES_PER_ELEMENT * shape.reduce((product, dim) => product * dim, 1);
}

const tagAndLength = (id: number, length: number): Uint8Array =>
  protobuf.Writer.create()
    .uint32((id << 3) | 2)
    .uint32(length)
    .finish();

/** End of a message's fields with smaller numbers than `id`. */
function endOfFieldsBelow(bytes: Uint8Array, id: number): number {
  const reader = new protobuf.Reader(bytes);
  while (reader.pos < reader.len) {
    const at = reader.pos;
    const tag = reader.tag();
    if (tag >>> 3 >= id) return at;
    reader.skipType(tag & 7);
  }
  return reader.pos;
}
