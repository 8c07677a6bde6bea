import { loadNet } from "../caffe/load.js";
import type { NetParameter } from "../caffe/messages.js";
import type { StoredBlob } from "../caffe/stored.js";
import { encodeWeights } from "../caffe/weights.js";
import { NetrunError } from "../error.js";
import { count } from "../graph/index.js";
import { registeredTypes } from "../layers/index.js";
import { lower } from "../net/lower.js";
import type { Parameter } from "../net/parameters.js";
import { type ModelWeights, readModelWeights } from "./model-weights.js";
import { inferenceNet } from "./net.js";

/** Options of `importWeights`. */
export interface ImportOptions {
  /** Shapes of inputs, where neither the prototxt nor the model says them. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Level and stages of the net state that the model was converted with. */
  readonly level?: number;
  readonly stages?: readonly string[];
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
  const file = typeof model === "string" ? model : undefined;
  const found = readModelWeights(model);
  const given = { ...Object.fromEntries(found.shapes), ...options.shapes };
  const { layers, shapes } = inferenceNet(message, { ...options, shapes: given });
  const types = new Map(layers.map((layer) => [layer.name, layer]));
  const { parameters } = lower(layers, { phase: "TEST", types: registeredTypes(), shapes });
  const values = new Map<string, Float32Array>();
  for (const parameter of parameters) {
    const { key, spec } = parameter;
    const data = found.tensors.get(key);
    if (data && data.length === count(spec.shape)) values.set(key, data);
  }
  for (const [into, parts] of Object.entries(found.folded)) unfold(into, parts, parameters, found, values);
  for (const { key, layer, index, spec } of parameters) {
    if (values.has(key)) continue;
    const own = ofNormalization(layer, index) ?? uniform(key, spec.shape);
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

  /** A blob of a BatchNorm or BN layer that is a BatchNormalization with another layer's part in it. */
  function ofNormalization(layer: string, index: number): Float32Array | undefined {
    const tensor = (role: string) => found.tensors.get(`${layer}/${role}`);
    const type = types.get(layer)?.type;
    if (type === "BN") return index < 2 ? tensor(["scale", "bias"][index]!) : undefined;
    if (type !== "BatchNorm") return undefined;
    return index === 2 ? tensor("mean") && Float32Array.of(1) : tensor(["mean", "variance"][index]!);
  }

  /** A blob of one number that changes nothing, which is not in the file for that reason. */
  function uniform(key: string, shape: readonly number[]): Float32Array | undefined {
    const number = found.uniform[key];
    return number === undefined ? undefined : new Float32Array(count(shape)).fill(number);
  }

  /** Gives the layers that were folded into another blobs that change nothing, but for a bias that the other cannot hold. */
  function unfold(
    into: string,
    parts: readonly string[],
    all: readonly Parameter[],
    { tensors }: ModelWeights,
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
        const isScale = (type === "Scale" || type === "BN") && index === 0;
        const isShift = (type === "Scale" || type === "BN") && index === 1;
        const takesBias = isShift || type === "Bias" || (type === "BatchNorm" && index === 0);
        if (isScale) target.set(key, restScale ?? plain.fill(1));
        else if (takesBias && restBias?.length === plain.length)
          target.set(key, type === "BatchNorm" ? restBias.map((b) => -b) : restBias);
        else if (type === "BatchNorm" && index > 0)
          target.set(key, plain.fill(index === 1 ? 1 - epsOf(part, "batch_norm_param") : 1));
        else if (type === "BN" && index === 3) target.set(key, plain.fill(1 - epsOf(part, "bn_param")));
        else target.set(key, plain);
        if (isScale) restScale = undefined;
        if (takesBias) restBias = undefined;
      }
    }
  }

  function epsOf(layer: string, param: "batch_norm_param" | "bn_param"): number {
    return types.get(layer)?.[param]?.eps ?? 1e-5;
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
