import protobuf from "protobufjs/light.js";
import { GraphProto, ModelProto, TensorProto } from "./schema.js";

/** Bytes of a file that are made when they are written: a large model is never in memory as a whole. */
export interface Part {
  readonly length: number;
  /** Valid until the next part's are asked for. */
  bytes(): Uint8Array;
}

/** A tensor whose elements are written after its other fields. */
export interface PartTensor {
  readonly fields: object;
  readonly data: Part;
}

/** Tags on the wire: field number and "bytes follow". */
const TAG = { graph: (7 << 3) | 2, initializer: (5 << 3) | 2, rawData: (9 << 3) | 2 } as const;

/** The parts of a ModelProto's file. `model` has no graph, and `graph` not these initializers. */
export function modelParts(model: object, graph: object, initializers: readonly PartTensor[]): readonly Part[] {
  const encodedGraph = GraphProto.encode(GraphProto.fromObject(graph)).finish();
  const tensors = initializers.flatMap(({ fields, data }) => {
    const encoded = TensorProto.encode(TensorProto.fromObject(fields)).finish();
    const rawData = lengthOf(TAG.rawData, data.length);
    const start = lengthOf(TAG.initializer, encoded.length + rawData.length + data.length);
    return [of(Buffer.concat([start, encoded, rawData])), data];
  });
  const head = Buffer.concat([
    ModelProto.encode(ModelProto.fromObject(model)).finish(),
    lengthOf(TAG.graph, encodedGraph.length + byteLength(tensors)),
    encodedGraph,
  ]);
  return [of(head), ...tensors];
}

/** All of the bytes in one piece. */
export function joined(parts: readonly Part[]): Uint8Array {
  const bytes = new Uint8Array(byteLength(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part.bytes(), at);
    at += part.length;
  }
  return bytes;
}

/** The bytes of each part in turn. */
export function* pieces(parts: readonly Part[]): Generator<Uint8Array> {
  for (const part of parts) yield part.bytes();
}

/** Length of all parts. */
export const byteLength = (parts: readonly Part[]): number => parts.reduce((sum, { length }) => sum + length, 0);

const of = (bytes: Uint8Array): Part => ({ length: bytes.length, bytes: () => bytes });

const lengthOf = (tag: number, length: number): Uint8Array =>
  protobuf.Writer.create().uint32(tag).uint32(length).finish();
