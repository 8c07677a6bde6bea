import { closeSync, openSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { refuseOther } from "../caffe/content.js";
import { readBytes } from "../caffe/files.js";
import { bytesAt } from "../caffe/large.js";
import { NetrunError } from "../error.js";
import { halfValue } from "../graph/index.js";
import { ModelProto } from "../onnx/schema.js";
import { onnxType } from "../ops/index.js";
import { outlineOf } from "./model-outline.js";
import { INPUT_ROLES } from "./roles.js";

interface RawModel {
  readonly graph: {
    readonly node: readonly RawNode[];
    readonly initializer: readonly RawTensor[];
    readonly input: readonly { readonly name: string; readonly type?: RawType | null }[];
  };
  readonly metadata_props: readonly Entry[];
}
interface RawNode {
  readonly name: string;
  readonly op_type: string;
  readonly input: readonly string[];
}
interface RawType {
  readonly tensor_type?: { readonly shape?: { readonly dim: readonly RawDim[] } | null } | null;
}
interface RawDim {
  readonly value?: string;
  readonly dim_value: number | { toNumber(): number };
}
interface Entry {
  readonly key: string;
  readonly value: string;
}
interface RawTensor {
  readonly name: string;
  readonly data_type: number;
  readonly raw_data: Uint8Array;
  readonly float_data: readonly number[];
  readonly double_data: readonly number[];
  readonly int32_data: readonly number[];
  readonly data_location: number;
  readonly external_data: readonly Entry[];
}

/** Numbers in a model: those of a file are read when they are asked for, and not kept. */
export interface ModelTensor {
  readonly length: number;
  /** The elements. Throws NetrunError where the file has changed since. */
  read(): Float32Array;
}

/** Weights of a net found in a model file. */
export interface ModelWeights {
  readonly tensors: ReadonlyMap<string, ModelTensor>;
  /** Shapes of its inputs, with 1 for an open batch size; of those alone that have no other open dims. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Layers that are part of others, by those. */
  readonly folded: Readonly<Record<string, readonly string[]>>;
  /** Blobs whose elements were all the same number, by key: those that change nothing are not in the file. */
  readonly uniform: Readonly<Record<string, number>>;
  readonly isInt8: boolean;
}

/** The numbers in an ONNX model, by its path or bytes. Throws NetrunError for what is none, and for weights that are not there. */
export function readModelWeights(model: string | Uint8Array): ModelWeights {
  const file = typeof model === "string" ? model : undefined;
  const { graph, metadata_props } = decoded(typeof model === "string" ? bytesOf(model) : model, file);
  const metadata = <T>(name: string, isValue: (value: unknown) => boolean): Readonly<Record<string, T>> => {
    const text = metadata_props.find(({ key }) => key === name)?.value;
    const value = text === undefined ? {} : recordOf(text, isValue);
    if (value) return value as Readonly<Record<string, T>>;
    throw new NetrunError(`its metadata "${name}" is damaged`, { file, notes: ["convert the net again"] });
  };
  const tensors = new Map(
    graph.initializer.flatMap((tensor) => {
      const found = numbers(tensor, file);
      return found ? [[tensor.name, found] as const] : [];
    }),
  );
  for (const [key, name] of roles(graph.node)) {
    const data = tensors.get(name);
    if (data && !tensors.has(key)) tensors.set(key, data);
  }
  const shapes = new Map(
    graph.input.flatMap(({ name, type }) => {
      const shape = fixedShape(type);
      return shape ? [[name, shape] as const] : [];
    }),
  );
  const isInt8 = graph.initializer.some(({ data_type }) => data_type === onnxType.int8);
  return {
    tensors,
    shapes,
    folded: metadata(
      "netrun.folded",
      (value) => Array.isArray(value) && value.every((name) => typeof name === "string"),
    ),
    uniform: metadata("netrun.uniform", (value) => typeof value === "number"),
    isInt8,
  };
}

/** The object that a JSON text is, if it is one of such values. */
function recordOf(text: string, isValue: (value: unknown) => boolean): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
    return isRecord && Object.values(value).every(isValue) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Slopes are shaped for their op, but named like their blob. */
const ROLES: typeof INPUT_ROLES = { ...INPUT_ROLES, PRelu: ["0"] };

/** Roles of initializers by the nodes that take them: other tools rename initializers, and leave nodes their layers' names. */
function* roles(nodes: readonly RawNode[]): Iterable<readonly [key: string, initializer: string]> {
  for (const { name, op_type: op, input } of nodes) {
    const label = name.endsWith(`/${op}`) ? name.slice(0, -op.length - 1) : name;
    for (const [i, role] of (ROLES[op] ?? []).entries())
      if (input[i + 1] !== undefined) yield [`${label}/${role}`, input[i + 1]!];
  }
}

/** A model's file, without the elements of its tensors where it is whole. */
function bytesOf(path: string): Uint8Array {
  return outlineOf(path) ?? readBytes(path).bytes;
}

function decoded(bytes: Uint8Array, file: string | undefined): RawModel {
  let cause: unknown;
  try {
    const model = ModelProto.decode(bytes) as unknown as RawModel | { readonly graph: null };
    if (model.graph) return model;
  } catch (error) {
    cause = error;
  }
  if (cause instanceof NetrunError) throw new NetrunError(cause.message, { file, notes: cause.notes, cause });
  refuseOther("ModelProto", bytes, file);
  throw new NetrunError("not an ONNX model", { file, cause });
}

/** A declared shape with 1 for an open first dim; undefined where the input declares none or has other open dims. */
function fixedShape(declared: RawType | null | undefined): readonly number[] | undefined {
  const type = declared?.tensor_type;
  const dims = type?.shape?.dim.map(({ value, dim_value: dim }, axis) =>
    value === "dim_value" ? Number(dim) : axis === 0 ? 1 : Number.NaN,
  );
  return dims?.every((dim) => dim > 0) ? dims : undefined;
}

/** ONNX's numbers of types that weights come in. */
const [FLOAT, HALF, DOUBLE] = [1, 10, 11];

/** An initializer's elements, if they are floats; other tools may write them packed, in a list or to a file beside the model. */
function numbers(tensor: RawTensor, file: string | undefined): ModelTensor | undefined {
  const { name, data_type: type, raw_data, float_data, double_data, int32_data } = tensor;
  if (type !== FLOAT && type !== HALF && type !== DOUBLE) return undefined;
  const external = tensor.data_location === 1 ? externalPlace(tensor, file) : undefined;
  const byteLength = external?.length ?? raw_data.length;
  if (byteLength === 0) {
    const list = type === HALF ? int32_data : type === DOUBLE ? double_data : float_data;
    return {
      length: list.length,
      read: () => (type === HALF ? Float32Array.from(list, halfValue) : Float32Array.from(list)),
    };
  }
  const bytesEach = type === HALF ? 2 : type === DOUBLE ? 8 : 4;
  if (byteLength % bytesEach !== 0)
    throw new NetrunError(`tensor "${name}": ${byteLength} bytes are no whole number of elements`, { file });
  return {
    length: byteLength / bytesEach,
    read() {
      // Bytes in a message are copied: elements need not be aligned there.
      const { buffer } = external ? bytesIn(external) : Uint8Array.from(raw_data);
      if (type === HALF) return Float32Array.from(new Uint16Array(buffer), halfValue);
      return type === DOUBLE ? Float32Array.from(new Float64Array(buffer)) : new Float32Array(buffer);
    },
  };
}

/** Bytes in a file. */
interface Place {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** Place of a tensor's elements in a file that has them. Throws NetrunError. */
function externalPlace({ name, external_data }: RawTensor, model: string | undefined): Place {
  const entry = (key: string) => external_data.find((each) => each.key === key)?.value;
  const location = entry("location") ?? "";
  if (model === undefined)
    throw new NetrunError(
      `the weights are in a file "${location}" beside the model, which is unknown for a model given as bytes`,
      {
        notes: ["give the model's path"],
      },
    );
  const path = join(dirname(model), location);
  const [offset, length] = [Number(entry("offset") ?? 0), Number(entry("length"))];
  let size: number;
  try {
    size = statSync(path).size;
    closeSync(openSync(path, "r"));
  } catch (cause) {
    throw new NetrunError(`the model's weights are in "${location}", which cannot be read`, { file: path, cause });
  }
  if (!(offset >= 0 && length >= 0 && Number.isSafeInteger(offset + length)))
    throw new NetrunError(`tensor "${name}" is said to be at ${offset}, ${length} bytes long`, { file: model });
  if (offset + length > size) throw new NetrunError(`ends before the model's tensor "${name}"`, { file: path });
  return { path, offset, length };
}

function bytesIn({ path, offset, length }: Place): Uint8Array<ArrayBuffer> {
  const fd = openSync(path, "r");
  try {
    const bytes = bytesAt(fd, length, offset);
    if (bytes.length < length) throw new NetrunError("the file became shorter", { file: path });
    return bytes;
  } finally {
    closeSync(fd);
  }
}
