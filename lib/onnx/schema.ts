import { countMessages, typesIn } from "../caffe/schema.js";
import { loadProto } from "../proto.js";

const root = loadProto("onnx");
for (const type of typesIn(root)) countMessages(type);

/** ONNX's ModelProto, by protobufjs reflection. */
export const ModelProto = root.lookupType("onnx.ModelProto");

/** Its parts that are encoded on their own. */
export const GraphProto = root.lookupType("onnx.GraphProto");
export const TensorProto = root.lookupType("onnx.TensorProto");

/** ONNX's AttributeProto.AttributeType numbers that netrun writes. */
export const attributeType = { f: 1, i: 2, s: 3, t: 4, g: 5, ints: 7 } as const;

/** Parts of a ModelProto, as plain objects. */
export interface RawTensorProto {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data_type: number;
  readonly raw_data: Uint8Array;
}
export interface NodeProto {
  readonly name: string;
  readonly domain?: string;
  readonly op_type: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly object[];
}
export interface ValueInfoProto {
  readonly name: string;
  readonly type: object;
}

/** A dim of a declared shape: a number or the name of an open one. */
export type Dim = number | string;

/** A value's tensor type as ONNX declares it; nothing is said of dims that are undefined. */
export function valueInfo(name: string, elemType: number, dims: readonly (Dim | undefined)[]): ValueInfoProto {
  const dim = dims.map((each) =>
    each === undefined ? {} : typeof each === "number" ? { dim_value: each } : { dim_param: each },
  );
  return { name, type: { tensor_type: { elem_type: elemType, shape: { dim } } } };
}
