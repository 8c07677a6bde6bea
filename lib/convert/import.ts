import { readBytes } from "../caffe/files.js";
import { loadNet } from "../caffe/load.js";
import type { NetParameter } from "../caffe/messages.js";
import type { StoredBlob } from "../caffe/stored.js";
import { encodeWeights } from "../caffe/weights.js";
import { NetrunError } from "../error.js";
import { count, halfValue } from "../graph/index.js";
import { registeredTypes } from "../layers/index.js";
import { lower } from "../net/lower.js";
import type { Parameter } from "../net/parameters.js";
import { ModelProto } from "../onnx/schema.js";
import { onnxType } from "../ops/index.js";
import { inferenceNet } from "./net.js";

interface RawModel {
  readonly graph: { readonly initializer: readonly RawTensor[] };
  readonly metadata_props: readonly { readonly key: string; readonly value: string }[];
}
interface RawTensor {
  readonly name: string;
  readonly data_type: number;
  readonly raw_data: Uint8Array;
  readonly float_data: readonly number[];
}

/** What a model file has of a net's weights. */
interface Found {
  readonly tensors: ReadonlyMap<string, Float32Array>;
  /** Layers that are part of others, by those. */
  readonly folded: Readonly<Record<string, readonly string[]>>;
  /** Layers that changed nothing. */
  readonly neutral: readonly string[];
  readonly isInt8: boolean;
}

/** Options of `importWeights`. */
export interface ImportOptions {
  /** Shapes of inputs, where the prototxt does not say them. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
}

/**
 * The weights of a converted (and perhaps elsewhere fine-tuned) model as the bytes of a `.caffemodel` for its prototxt. BatchNorm
 * and Scale layers that were folded into others come back as what changes nothing, since their part is in those others.
 * Throws NetrunError, listing them, for blobs that the model does not have.
 */
export function importWeights(
  model: string | Uint8Array,
  net: string | NetParameter,
  options: ImportOptions = {},
): Uint8Array {
  const message = typeof net === "string" ? loadNet(net).message : net;
  const { layers, shapes } = inferenceNet(message, options);
  const types = new Map(layers.map((layer) => [layer.name, layer]));
  const { parameters } = lower(layers, { phase: "TEST", types: registeredTypes(), shapes });
  const file = typeof model === "string" ? model : undefined;
  const found = readModel(typeof model === "string" ? readBytes(model).bytes : model, file);
  const values = new Map<string, Float32Array>();
  for (const parameter of parameters) {
    const { key, spec } = parameter;
    const data = found.tensors.get(key);
    if (data && data.length === count(spec.shape)) values.set(key, data);
  }
  for (const [into, parts] of Object.entries(found.folded)) unfold(into, parts, parameters, found, values);
  for (const { key, layer, index, spec } of parameters) {
    const type = types.get(layer)?.type;
    if (values.has(key) || !found.neutral.includes(layer) || (type !== "Scale" && type !== "Bias")) continue;
    values.set(key, new Float32Array(count(spec.shape)).fill(type === "Scale" && index === 0 ? 1 : 0));
  }
  for (const { key, layer, index, spec } of parameters) {
    if (values.has(key) || types.get(layer)?.type !== "BatchNorm") continue;
    const own = [found.tensors.get(`${layer}/mean`), found.tensors.get(`${layer}/variance`), Float32Array.of(1)][index];
    if (own && own.length === count(spec.shape)) values.set(key, own);
  }
  const missing = parameters.filter(({ key }) => !values.has(key));
  if (missing.length > 0) {
    throw new NetrunError(`${missing.length} blobs of the net are not in the model`, {
      file,
      notes: [
        ...missing.map(({ key, spec }) => `${key} [${spec.shape}]`),
        found.isInt8
          ? "its weights are rounded to 8 bits: take the float model"
          : "is it a model that netrun converted from this prototxt?",
      ],
    });
  }
  return encodeWeights(message, storedOf(parameters, values));

  /** Gives the layers that were folded into another blobs that change nothing, but for a bias that the other cannot hold. */
  function unfold(
    into: string,
    parts: readonly string[],
    all: readonly Parameter[],
    { tensors }: Found,
    target: Map<string, Float32Array>,
  ): void {
    const isNorm = types.get(into)?.type === "BatchNorm";
    const scale = isNorm ? tensors.get(`${into}/scale`) : undefined;
    const bias = isNorm ? tensors.get(`${into}/bias`) : tensors.get(`${into}/1`);
    const holdsBias = all.some(({ key }) => key === `${into}/1`) && !isNorm;
    let restBias = holdsBias ? undefined : bias;
    let restScale = scale;
    for (const part of parts.toReversed()) {
      const type = types.get(part)?.type;
      for (const { key, layer, index, spec } of all) {
        if (layer !== part) continue;
        const plain = new Float32Array(count(spec.shape));
        const isScale = type === "Scale" && index === 0;
        const takesBias = (type === "Scale" && index === 1) || type === "Bias" || (type === "BatchNorm" && index === 0);
        if (isScale) target.set(key, restScale ?? plain.fill(1));
        else if (takesBias && restBias?.length === plain.length)
          target.set(key, type === "BatchNorm" ? restBias.map((b) => -b) : restBias);
        else if (type === "BatchNorm" && index > 0) target.set(key, plain.fill(index === 1 ? 1 - epsOf(part) : 1));
        else target.set(key, plain);
        if (isScale) restScale = undefined;
        if (takesBias) restBias = undefined;
      }
    }
  }

  function epsOf(layer: string): number {
    return types.get(layer)?.batch_norm_param?.eps ?? 1e-5;
  }
}

function storedOf(parameters: readonly Parameter[], values: ReadonlyMap<string, Float32Array>) {
  const stored = new Map<string, StoredBlob[]>();
  for (const { key, users } of parameters) {
    for (const { layer, index, shape } of users) {
      const blobs = stored.get(layer) ?? [];
      blobs[index] = { shape, data: values.get(key)! };
      stored.set(layer, blobs);
    }
  }
  return stored;
}

function readModel(bytes: Uint8Array, file: string | undefined): Found {
  let model: RawModel;
  try {
    model = ModelProto.decode(bytes) as unknown as RawModel;
  } catch (cause) {
    throw new NetrunError("not an ONNX model", { file, cause });
  }
  const metadata = (name: string, none: string) =>
    JSON.parse(model.metadata_props.find(({ key }) => key === name)?.value ?? none);
  const tensors = new Map(
    model.graph.initializer.flatMap((tensor) => {
      const data = floats(tensor);
      return data ? [[tensor.name, data] as const] : [];
    }),
  );
  const isInt8 = model.graph.initializer.some(({ data_type }) => data_type === onnxType.int8);
  return { tensors, folded: metadata("netrun.folded", "{}"), neutral: metadata("netrun.neutral", "[]"), isInt8 };
}

/** An initializer's elements, if they are floats; other tools may write them packed or in a list. */
function floats({ data_type, raw_data, float_data }: RawTensor): Float32Array | undefined {
  // A copy: the elements need not be aligned in the file.
  const raw = Uint8Array.from(raw_data).buffer;
  if (data_type === 10) return Float32Array.from(new Uint16Array(raw), halfValue);
  if (data_type !== 1) return undefined;
  return raw.byteLength > 0 ? new Float32Array(raw) : Float32Array.from(float_data);
}
