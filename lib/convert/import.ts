import { loadNet } from "../caffe/load.js";
import type { NetParameter } from "../caffe/messages.js";
import { together } from "../caffe/large.js";
import type { StoredWeights } from "../caffe/stored.js";
import { weightPieces } from "../caffe/weight-pieces.js";
import { NetrunError } from "../error.js";
import { count } from "../graph/index.js";
import { type AffineRole, factsOf, registeredTypes } from "../layers/index.js";
import { lower } from "../net/lower.js";
import type { ParameterBlob } from "../net/parameters.js";
import { type ModelTensor, type ModelWeights, readModelWeights } from "./model-weights.js";
import { inferenceNet } from "./net.js";

/** Options of `importWeights`. */
export interface ImportWeightsOptions {
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
  options: ImportWeightsOptions = {},
): Uint8Array {
  return together(importedPieces(model, net, options));
}

/** The same in pieces, each of which is read from the model's file when it is asked for. All that can be missing is known before the first. */
export function importedPieces(
  model: string | Uint8Array,
  net: string | NetParameter,
  options: ImportWeightsOptions = {},
): Iterable<Uint8Array> {
  const message = typeof net === "string" ? loadNet(net).message : net;
  const file = typeof model === "string" ? model : undefined;
  const found = readModelWeights(model);
  const given = { ...Object.fromEntries(found.shapes), ...options.shapes };
  const { layers, shapes } = inferenceNet(message, { ...options, shapes: given });
  const types = new Map(layers.map((layer) => [layer.name, layer]));
  const { parameters } = lower(layers, { phase: "TEST", types: registeredTypes(), shapes });
  const values = new Map<string, ModelTensor>();
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
  return weightPieces(message, storedOf(parameters, values));

  /** A blob of a BatchNorm or BN layer that is a BatchNormalization with another layer's part in it. */
  function ofNormalization(layer: string, index: number): ModelTensor | undefined {
    const tensor = (role: string) => found.tensors.get(`${layer}/${role}`);
    switch (rolesOf(layer)[index]) {
      case "scale":
        return tensor("scale");
      case "shift":
        return tensor("bias");
      case "mean":
        return tensor("mean");
      case "variance":
        return tensor("variance");
      case "weight":
        return tensor("mean") && filled(1, 1);
      case undefined:
        return undefined;
    }
  }

  /** A blob of one number that changes nothing, which is not in the file for that reason. */
  function uniform(key: string, shape: readonly number[]): ModelTensor | undefined {
    const number = found.uniform[key];
    return number === undefined ? undefined : filled(count(shape), number);
  }

  /** Gives the layers that were folded into another blobs that change nothing, but for a bias that the other cannot hold. */
  function unfold(
    into: string,
    parts: readonly string[],
    all: readonly ParameterBlob[],
    { tensors }: ModelWeights,
    target: Map<string, ModelTensor>,
  ): void {
    // A normalization without a scale and a shift of its own is written with those of others.
    const isNorm = isPlainNormalization(rolesOf(into));
    const scale = isNorm ? tensors.get(`${into}/scale`) : undefined;
    const bias = isNorm ? tensors.get(`${into}/bias`) : tensors.get(`${into}/1`);
    const holdsBias = all.some(({ key }) => key === `${into}/1`) && !isNorm;
    let restBias = holdsBias ? undefined : bias;
    let restScale = scale;
    for (const part of parts.toReversed()) {
      const roles = rolesOf(part);
      // Where a layer has no shift, its mean can hold a bias: y = x - mean.
      const bearer: AffineRole = roles.includes("shift") ? "shift" : "mean";
      for (const { key, layer, index, spec } of all) {
        if (layer !== part) continue;
        const role = roles[index];
        const plain = filled(count(spec.shape), neutral(role, part));
        if (role === "scale") {
          target.set(key, restScale ?? plain);
          restScale = undefined;
        } else if (role === bearer) {
          const fits = restBias?.length === plain.length;
          target.set(key, fits ? (role === "mean" ? negative(restBias!) : restBias!) : plain);
          restBias = undefined;
        } else target.set(key, plain);
      }
    }
  }

  /** The value of a blob's entries with which a layer changes nothing. */
  function neutral(role: AffineRole | undefined, layer: string): number {
    if (role === "variance") return 1 - (factsOf(types.get(layer)!).affine?.epsilon?.(types.get(layer)!) ?? 0);
    return role === "scale" || role === "weight" ? 1 : 0;
  }

  function rolesOf(layer: string): readonly AffineRole[] {
    const found = types.get(layer);
    return (found && factsOf(found).affine?.roles) ?? [];
  }
}

const isPlainNormalization = (roles: readonly AffineRole[]) => roles.includes("mean") && !roles.includes("scale");

/** Blobs by layer, which are read when they are asked for. */
function storedOf(
  parameters: readonly ParameterBlob[],
  values: ReadonlyMap<string, ModelTensor>,
): Pick<StoredWeights, "get"> {
  const stored = new Map<string, { readonly shape: readonly number[]; readonly tensor: ModelTensor }[]>();
  for (const { key, users } of parameters) {
    for (const { layer, index, shape } of users) {
      const blobs = stored.get(layer) ?? [];
      blobs[index] = { shape, tensor: values.get(key)! };
      stored.set(layer, blobs);
    }
  }
  const blob = ({ shape, tensor }: { readonly shape: readonly number[]; readonly tensor: ModelTensor }) => ({
    shape,
    get data() {
      return tensor.read();
    },
  });
  return { get: (layer) => stored.get(layer)?.map(blob) };
}

const filled = (length: number, number: number): ModelTensor => ({
  length,
  read: () => new Float32Array(length).fill(number),
});

const negative = (tensor: ModelTensor): ModelTensor => ({
  length: tensor.length,
  read: () => tensor.read().map((value) => -value),
});
