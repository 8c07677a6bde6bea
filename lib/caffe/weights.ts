import protobuf from "protobufjs/light.js";
import { InPlaceReader } from "./blob-codec.js";
import { refuseOther } from "./content.js";
import { readBytes, requireFile } from "./files.js";
import { c3dType, isOfC3d } from "./forks/c3d.js";
import { isHdf5, readHdf5Weights } from "./hdf5.js";
import { fieldsOf, largeContent } from "./large.js";
import { damaged } from "./message.js";
import type { BlobProto, V1LayerParameter_LayerType } from "./messages.js";
import { countMessages, reflect, schema } from "./schema.js";
import { type StoredBlob, type StoredWeights, storedBlob } from "./stored.js";
import { typeOfV1, typeOfWords } from "./upgrade-v1.js";

/** A layer of a weights file. */
export interface StoredLayer {
  readonly name: string;
  readonly type: string;
  readonly bottom: readonly string[];
  readonly top: readonly string[];
  readonly blobs: readonly StoredBlob[];
}

/** A weights file: the net's name and its layers. */
export interface StoredNet {
  readonly name: string;
  readonly layers: readonly StoredLayer[];
}

/**
 * The weights of a file: a .caffemodel of any version (V0, V1, today's; float or double; packed or not) or Caffe's HDF5.
 * Of a fork's file only what all forks agree on is read. Throws NetrunError for a file that is missing or damaged.
 */
export async function readWeights(path: string): Promise<StoredWeights> {
  const file = requireFile(path);
  if (isHdf5(file)) return readHdf5Weights(file);
  if (largeContent(file) === "net") return weightsOf(readByParts(file));
  const { path: found, bytes } = readBytes(path);
  refuseOther("NetParameter", bytes, found);
  return weightsOf(
    decodeFrom(new InPlaceReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)), found),
  );
}

/** The weights of a binary NetParameter of any size; see `netParts`. */
export function readByParts(file: string): StoredNet {
  let name = "";
  const layers: StoredLayer[] = [];
  for (const part of netParts(file)) {
    name = part.name || name;
    for (const layer of part.layers) layers.push(layer);
  }
  return { name, layers };
}

/** A binary NetParameter of any size, layer by layer: each of its fields is a net. Throws NetrunError naming the file if it is damaged. */
export function* netParts(file: string): Generator<StoredNet, void, void> {
  for (const bytes of fieldsOf(file)) yield decodeFrom(new InPlaceReader(bytes), file);
}

/** The blobs of a net's layers by name. Of layers with the same name the last that has blobs counts, as in Caffe. */
export function weightsOf({ layers }: StoredNet): StoredWeights {
  return new Map(layers.filter(({ blobs }) => blobs.length > 0).map(({ name, blobs }) => [name, blobs]));
}

/** Reads a binary NetParameter for its weights. Throws NetrunError naming the file if it is damaged. */
export function decodeWeights(bytes: Uint8Array, file?: string): StoredNet {
  return decodeFrom(new protobuf.Reader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)), file);
}

function decodeFrom(reader: protobuf.Reader, file?: string): StoredNet {
  let net: RawNet;
  try {
    weightsType ??= weightsSchema();
    net = weightsType.decode(reader) as unknown as RawNet;
  } catch (cause) {
    throw damaged("NetParameter", reader, cause, file);
  }
  const isC3d = isOfC3d(net);
  // Field by field: what a file does not have is on the prototype.
  const layers = [...net.layers.map((layer) => v1Layer(layer, isC3d)), ...net.layer].map((layer) => ({
    name: layer.name,
    type: layer.type,
    bottom: layer.bottom,
    top: layer.top,
    blobs: layer.blobs.map((blob, i) => storedBlob(blob, `blob ${i} of layer "${layer.name}"`, file)),
  }));
  return { name: net.name, layers };
}

interface RawLayer {
  readonly name: string;
  readonly type: string;
  readonly bottom: readonly string[];
  readonly top: readonly string[];
  readonly blobs: readonly BlobProto[];
}

interface RawV1Layer extends Omit<RawLayer, "type"> {
  readonly type: V1LayerParameter_LayerType;
  readonly layer: { readonly name: string; readonly type: string; readonly blobs: readonly BlobProto[] } | null;
}

interface RawNet {
  readonly name: string;
  readonly layer: readonly RawLayer[];
  readonly layers: RawV1Layer[];
}

function v1Layer({ layer: v0, name, type, bottom, top, blobs }: RawV1Layer, isC3d: boolean): RawLayer {
  if (v0) return { bottom, top, name: v0.name, type: v0.type, blobs: v0.blobs };
  const words = isC3d ? c3dType(type) : undefined;
  return { bottom, top, name, blobs, type: words ? typeOfWords(words) : (typeOfV1(type) ?? `V1 type ${type}`) };
}

/** Made when it is first used. Forks gave the same field numbers to different messages: their files do not go by Caffe's schema. */
let weightsType: protobuf.Type | undefined;

function weightsSchema(): protobuf.Type {
  const names = ["name", "type", "bottom", "top", "blobs"];
  const space = new protobuf.Namespace("weights");
  const pick = (
    name: string,
    from: "NetParameter" | "LayerParameter" | "V1LayerParameter" | "V0LayerParameter",
    fields: readonly string[],
    types: Readonly<Record<string, string>> = {},
  ) => {
    const type = new protobuf.Type(name);
    for (const field of fields) {
      const { id, type: own, repeated } = reflect(from).fields[field]!;
      type.add(new protobuf.Field(field, id, types[field] ?? own, repeated ? "repeated" : "optional"));
    }
    space.add(type);
    countMessages(type);
    return type;
  };
  pick("V0Layer", "V0LayerParameter", ["name", "type", "blobs"]);
  pick("V1Layer", "V1LayerParameter", [...names, "layer"], { layer: "V0Layer", type: "int32" });
  pick("Layer", "LayerParameter", names);
  const net = pick("Net", "NetParameter", ["name", "layer", "layers"], { layer: "Layer", layers: "V1Layer" });
  (schema.lookup("caffe") as protobuf.Namespace).add(space);
  return net;
}
