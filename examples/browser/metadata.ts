import type * as protobufjs from "protobufjs";

/** protobufjs, which the page loads as a script of its own. */
declare const protobuf: typeof protobufjs;

/** Preprocessing of an image for the input of a converted model, as netrun writes it into the file. */
export interface Preprocessing {
  readonly input: string;
  readonly channels?: "BGR" | "grey";
  /** One number a channel; null for none. */
  readonly mean: readonly number[] | null;
  /** True if `mean` are the means of a whole image that the net was trained with. */
  readonly mean_image: boolean;
  readonly scale: number;
  readonly height: number;
  readonly width: number;
  /** True if the model subtracts and scales by itself. */
  readonly in_graph: boolean;
}

/** Fields of ONNX's ModelProto and StringStringEntryProto. */
const METADATA_PROPS = 14;
const KEY = 1;

/** A model file's metadata by key: onnxruntime-web does not give it, so that it is read from the protobuf message. */
export function metadataOf(model: Uint8Array): ReadonlyMap<string, string> {
  const reader = protobuf.Reader.create(model);
  const entries = new Map<string, string>();
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 !== METADATA_PROPS) {
      reader.skipType(tag & 7);
      continue;
    }
    const entry = { key: "", value: "" };
    for (const end = reader.uint32() + reader.pos; reader.pos < end; ) {
      const field = reader.uint32() >>> 3;
      entry[field === KEY ? "key" : "value"] = reader.string();
    }
    entries.set(entry.key, entry.value);
  }
  return entries;
}

/** The preprocessing in a model file. Throws if there is none. */
export function preprocessingOf(model: Uint8Array): Preprocessing {
  const text = metadataOf(model).get("netrun.preprocessing");
  if (text === undefined) throw new Error("the file has no netrun.preprocessing: convert it with netrun");
  return JSON.parse(text) as Preprocessing;
}
