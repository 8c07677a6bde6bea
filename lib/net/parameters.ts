import { has } from "../caffe/message.js";
import { type LayerParameter, type ParamSpec, ParamSpec_DimCheckMode as ShareMode } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { count, float32, input, sameShape, type Value } from "../graph/index.js";
import type { BlobSpec } from "../layers/index.js";
import { reshape } from "../ops/index.js";
import { spanOf } from "../text/notes.js";

/** A parameter blob: one leaf of the graph, which several layers may share. */
export interface ParameterBlob {
  /** `LAYER/i` of the layer that owns it; the leaf is named `param:LAYER/i`. */
  readonly key: string;
  readonly layer: string;
  readonly index: number;
  readonly spec: BlobSpec;
  readonly value: Value;
  readonly lrMult: number;
  readonly decayMult: number;
  /** Greatest norm of the weights into a unit: a slice along `spec.unitAxis`. */
  readonly maxNorm?: number | undefined;
  /** The blobs that it stands for: the owner's first, then those of layers that share it. */
  readonly users: readonly ParameterUse[];
}

/** Values that a parameter's filler gives; its errors say the layer, at the filler's type but where they have a place. */
export function byFiller<T>({ layer, spec }: ParameterBlob, use: (filler: BlobSpec["filler"]) => T): T {
  try {
    return use(spec.filler);
  } catch (error) {
    if (!(error instanceof NetrunError)) throw error;
    const { message, notes, unsupported, span = spanOf(spec.filler, "type") } = error;
    throw new NetrunError(`layer "${layer}": ${message}`, { span, notes, unsupported });
  }
}

/** One layer's blob. PERMISSIVE sharing lets shapes differ where the count is the same. */
export interface ParameterUse {
  readonly layer: string;
  readonly index: number;
  readonly shape: readonly number[];
}

interface Entry {
  readonly parameter: ParameterBlob & { readonly users: ParameterUse[] };
  lrMult: number | undefined;
  decayMult: number | undefined;
  maxNorm: number | undefined;
}

/** The parameters of a net in the order in which layers declare them; shared ones (by ParamSpec.name) once. */
export class ParameterTable {
  readonly #entries: Entry[] = [];
  readonly #byName = new Map<string, Entry>();
  readonly #keys = new Map<Value, string>();

  /** Declares a layer's blobs; returns their leaves. Throws for what Caffe refuses of sharing. */
  add(layer: LayerParameter, specs: readonly BlobSpec[]): readonly Value[] {
    if (layer.param.length > specs.length) {
      throw new NetrunError(`layer "${layer.name}": ${layer.param.length} param for ${specs.length} parameter blobs`, {
        span: spanOf(layer, "param", specs.length) ?? spanOf(layer),
        notes: ["give one for each blob, or fewer"],
      });
    }
    return specs.map((spec, i) => {
      const param = layer.param[i];
      const entry = this.#shared(layer, i, spec, param) ?? this.#own(layer, i, spec);
      if (param && param.name !== "") this.#byName.set(param.name, entry);
      if (param && !spec.state) mergeMultipliers(entry, layer, param, i);
      return reshape(entry.parameter.value, spec.shape);
    });
  }

  keyOf(leaf: Value): string {
    return this.#keys.get(leaf)!;
  }

  get list(): readonly ParameterBlob[] {
    return this.#entries.map(({ parameter, lrMult, decayMult, maxNorm }) => ({
      ...parameter,
      // Caffe fixes running statistics by a learning rate of 0.
      lrMult: parameter.spec.state ? 0 : (lrMult ?? 1),
      decayMult: parameter.spec.state ? 0 : (decayMult ?? 1),
      ...(maxNorm !== undefined && { maxNorm }),
    }));
  }

  #own(layer: LayerParameter, index: number, spec: BlobSpec): Entry {
    const key = `${layer.name}/${index}`;
    const value = input(`param:${key}`, float32(spec.shape));
    const parameter = {
      key,
      layer: layer.name,
      index,
      spec,
      value,
      lrMult: 1,
      decayMult: 1,
      users: [{ layer: layer.name, index, shape: spec.shape }],
    };
    const entry = { parameter, lrMult: undefined, decayMult: undefined, maxNorm: undefined };
    this.#entries.push(entry);
    this.#keys.set(value, key);
    return entry;
  }

  #shared(layer: LayerParameter, index: number, spec: BlobSpec, param: ParamSpec | undefined): Entry | undefined {
    const entry = param && param.name !== "" ? this.#byName.get(param.name) : undefined;
    if (!entry) return undefined;
    const { shape } = entry.parameter.spec;
    const permissive = param!.share_mode === ShareMode.PERMISSIVE;
    if (permissive ? count(shape) !== count(spec.shape) : !sameShape(shape, spec.shape)) {
      throw new NetrunError(
        `layer "${layer.name}": shared parameter "${param!.name}" is [${spec.shape}] here and [${shape}] in layer "${entry.parameter.layer}"`,
        {
          span: spanOf(layer, "param", index),
          notes: permissive ? [] : ["share_mode: PERMISSIVE asks only for the same count"],
        },
      );
    }
    entry.parameter.users.push({ layer: layer.name, index, shape: spec.shape });
    return entry;
  }
}

/** A sharer may set multipliers that the owner left open, but not others than the owner's. */
function mergeMultipliers(entry: Entry, layer: LayerParameter, param: ParamSpec, index: number): void {
  const merge = (field: "lr_mult" | "decay_mult" | "max_norm", known: number | undefined) => {
    if (!has(param, field)) return known;
    if (known !== undefined && known !== param[field]) {
      throw new NetrunError(
        `layer "${layer.name}": ${field} ${param[field]} of shared parameter "${param.name}" is ${known} elsewhere`,
        {
          span: spanOf(param, field) ?? spanOf(layer, "param", index),
        },
      );
    }
    return param[field];
  };
  entry.lrMult = merge("lr_mult", entry.lrMult);
  entry.decayMult = merge("decay_mult", entry.decayMult);
  if (has(param, "max_norm")) checkMaxNorm(entry.parameter.spec, layer, param);
  entry.maxNorm = merge("max_norm", entry.maxNorm);
}

/** Throws NetrunError, located, for a norm that weights cannot have, and for weights of which no axis is that of units. */
function checkMaxNorm({ unitAxis }: BlobSpec, layer: LayerParameter, param: ParamSpec): void {
  const place = { span: spanOf(param, "max_norm") ?? spanOf(layer) };
  if (!(param.max_norm > 0 && Number.isFinite(param.max_norm)))
    throw new NetrunError(`layer "${layer.name}": max_norm is ${param.max_norm}; it must be positive`, place);
  if (unitAxis === null)
    throw new NetrunError(`layer "${layer.name}": ${layer.type} has no weights of which a part goes into a unit`, {
      ...place,
      notes: ["max_norm is for layers such as InnerProduct and Convolution"],
    });
}
