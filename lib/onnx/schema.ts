import { readFileSync } from "node:fs";
import protobuf from "protobufjs";

// From dist/lib/onnx up to the package's root.
const path = new URL("../../../proto/onnx.proto", import.meta.url);
const { root } = protobuf.parse(readFileSync(path, "utf8"), { keepCase: true });

/** ONNX's ModelProto, by protobufjs reflection. */
export const ModelProto = root.lookupType("onnx.ModelProto");

/** Its parts that are encoded on their own. */
export const GraphProto = root.lookupType("onnx.GraphProto");
export const TensorProto = root.lookupType("onnx.TensorProto");

/** ONNX's AttributeProto.AttributeType numbers that netrun writes. */
export const attributeType = { f: 1, i: 2, s: 3, ints: 7 } as const;

/** What netrun puts in a ModelProto, as plain objects. */
export interface RawTensorProto {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data_type: number;
  readonly raw_data: Uint8Array;
}
export interface NodeProto {
  readonly name: string;
  readonly op_type: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly object[];
}
export interface ValueInfoProto {
  readonly name: string;
  readonly type: object;
}

/** A tensor type as ONNX declares it. */
export const valueInfo = (name: string, elemType: number, shape: readonly number[]): ValueInfoProto => ({
  name,
  type: { tensor_type: { elem_type: elemType, shape: { dim: shape.map((dim) => ({ dim_value: dim })) } } },
});
