import { has, sub } from "../caffe/message.js";
import { type LayerParameter, Phase as PhaseNumber } from "../caffe/messages.js";
import { type NetrunError, nearest } from "../error.js";
import { float32, input, labelled, type Value } from "../graph/index.js";
import {
  type ComputeLayer,
  type DataLayer,
  type FileOutput,
  findType,
  isDataLayer,
  type LayerType,
  type Phase,
  type Place,
  requireType,
  type Site,
  type SourceBlob,
} from "../layers/index.js";
import { stopGradient } from "../ops/index.js";
import { spanOf } from "../text/notes.js";
import { checkCounts, checkShape, checkValues, fieldSpan, layerError, topCountOf } from "./checks.js";
import { learns } from "./layout.js";
import { type Parameter, ParameterTable } from "./parameters.js";
import { Readers } from "./readers.js";
import { type Step, whyUntrainable } from "./trainable.js";

/** What lowering needs to know besides the layers themselves. */
export interface LowerOptions {
  readonly phase: Phase;
  /** Shapes of data tops by blob name; they go before what layers say of themselves. */
  readonly shapes?: ReadonlyMap<string, readonly number[]>;
  /**
   * Sizes that depend on data, by the layer that asks (Filter). One that is missing throws `DataDependentSize`; without this map
   * each is taken as the most that it can be.
   */
  readonly sizes?: ReadonlyMap<string, number>;
  /** Layer types beyond the built-in ones, by `typeKey`: plugins. */
  readonly types?: ReadonlyMap<string, LayerType> | undefined;
  /** The blobs in files that layers name (`sourcesOf`), by path. */
  readonly sources?: ReadonlyMap<string, SourceBlob> | undefined;
  /** The net's force_backward: parameters of lr_mult 0 have gradients too, and `propagate_down: false` stops none. */
  readonly forceBackward?: boolean | undefined;
  /** Caffe's gradient of Clip in place, which is not that of its formula. */
  readonly caffeQuirks?: boolean | undefined;
}

/** A net of one phase as one graph. */
export interface LoweredNet {
  readonly phase: Phase;
  /** Data tops and Input layers' tops, by blob name: input leaves to feed. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** Every blob by name; of a blob that in-place layers change, its last value. */
  readonly blobs: ReadonlyMap<string, Value>;
  /** Blobs that no layer consumes, in Caffe's order (by name). */
  readonly outputs: readonly string[];
  readonly parameters: readonly Parameter[];
  /** Those that have gradients: what is learnt, or with force_backward also what has lr_mult 0. */
  readonly differentiated: readonly Parameter[];
  /** New values of state parameters (BatchNorm's running blobs) after a forward, by parameter key. */
  readonly states: ReadonlyMap<string, Value>;
  /** What layers carry on from one forward to the next: input leaves, and what the next forward has for them. */
  readonly carries: ReadonlyMap<Value, Value>;
  /** Tops that count in the objective, with their weights. */
  readonly losses: readonly Loss[];
  /** Input leaves to fill with uniform random numbers before each forward. */
  readonly randoms: readonly Value[];
  /** What each forward adds to files. */
  readonly files: readonly FileOutput[];
  /** Why its gradients cannot be had, where they cannot: learnt parameters under a bottom that has no gradient. */
  readonly untrainable: NetrunError | undefined;
}

export interface Loss {
  readonly blob: string;
  readonly value: Value;
  readonly weight: number;
}

/** Thrown when a size is needed that only the data tells: run `scalar`, then lower again with the size under `layer`. */
export class DataDependentSize extends Error {
  constructor(
    readonly layer: string,
    readonly scalar: Value,
    readonly randoms: readonly Value[],
  ) {
    super(`the size of layer ${layer} depends on data`);
  }
}

/** The BlobProto files that layers name, each once. */
export function sourcesOf(
  layers: readonly LayerParameter[],
  types?: ReadonlyMap<string, LayerType>,
): readonly string[] {
  const paths = layers.flatMap((layer) => {
    const type = findType(layer, types);
    return type && !isDataLayer(type) ? (type.sources?.(layer) ?? []) : [];
  });
  return [...new Set(paths)];
}

/**
 * Lowers the layers of one phase, in order, to values by blob name. In-place layers rebind the name, shared parameters are the
 * same leaf, a bottom with `propagate_down: false` passes no gradient.
 * Throws NetrunError, located in the prototxt, for what Caffe refuses and for layer types that netrun does not have.
 */
export function lower(layers: readonly LayerParameter[], options: LowerOptions): LoweredNet {
  const net = new Lowering(options);
  for (const layer of layers) labelled(layer.name, () => net.add(layer));
  return net.finish();
}

class Lowering {
  readonly #options: LowerOptions;
  readonly #blobs = new Map<string, Value>();
  readonly #available = new Set<string>();
  readonly #inputs = new Map<string, Value>();
  readonly #parameters = new ParameterTable();
  readonly #states = new Map<string, Value>();
  readonly #stateKeys = new Map<Value, string>();
  readonly #carried = new Set<Value>();
  readonly #carries = new Map<Value, Value>();
  readonly #losses: Loss[] = [];
  readonly #randoms: Value[] = [];
  readonly #files: FileOutput[] = [];
  readonly #steps: Step[] = [];
  readonly #readers = new Readers();
  /** Layers by name, with whether something of theirs is found by it: parameters, a size that data decides. */
  readonly #named = new Map<string, { readonly layer: LayerParameter; keyed: boolean }>();

  constructor(options: LowerOptions) {
    this.#options = options;
  }

  add(layer: LayerParameter): void {
    const type = requireType(layer, this.#options.types);
    const bottoms = layer.bottom.map((name, i) => this.#bottom(layer, type, name, i));
    checkCounts(layer, type);
    if (isDataLayer(type)) this.#addData(layer, type, bottoms);
    else this.#addCompute(layer, type, bottoms);
  }

  finish(): LoweredNet {
    const parameters = this.#parameters.list;
    return {
      phase: this.#options.phase,
      inputs: this.#inputs,
      blobs: this.#blobs,
      outputs: [...this.#available].sort(),
      parameters,
      differentiated: parameters.filter((each) => learns(each) || (this.#options.forceBackward && !each.spec.state)),
      states: this.#states,
      carries: this.#carries,
      losses: this.#losses,
      randoms: this.#randoms,
      files: this.#files,
      untrainable: whyUntrainable(this.#steps),
    };
  }

  #bottom(layer: LayerParameter, type: LayerType, name: string, index: number): Value {
    const value = this.#blobs.get(name);
    if (value) {
      this.#available.delete(name);
      this.#readers.read(name, layer, index);
      const stopped = layer.propagate_down.length > 0 && !layer.propagate_down[index];
      return stopped && !this.#isForced(layer, type, index) ? stopGradient(value) : value;
    }
    const near = nearest(name, this.#blobs.keys());
    throw layerError(layer, `bottom "${name}" is not produced by any layer above`, spanOf(layer, "bottom", index), [
      `${near ? `did you mean "${near}"? ` : ""}(blobs here: ${namesText([...this.#blobs.keys()])})`,
    ]);
  }

  /** Whether force_backward overrides `propagate_down: false`: not to labels and the like. Source: AllowForceBackward in Caffe. */
  #isForced(layer: LayerParameter, type: LayerType, index: number): boolean {
    const without = isDataLayer(type) ? [] : (type.noGradientTo ?? []);
    const isWithout = without.includes(index) || without.includes(index - layer.bottom.length);
    return this.#options.forceBackward === true && !isWithout;
  }

  #place(layer: LayerParameter, type: LayerType, bottoms: readonly Value[], topCount: number): Place<never> {
    return {
      layer,
      param: (type.param === null ? null : sub(layer, type.param)) as never,
      phase: phaseOf(layer) ?? this.#options.phase,
      bottoms,
      topCount,
      error: (message, field, notes) => layerError(layer, message, fieldSpan(layer, type.param, field), notes),
      bottomError: (index, message, notes) =>
        layerError(layer, message, spanOf(layer, "bottom", index) ?? spanOf(layer), notes),
    };
  }

  #addData(layer: LayerParameter, type: DataLayer, bottoms: readonly Value[]): void {
    const place = this.#place(layer, type, bottoms, layer.top.length);
    const own = type.shapes(place);
    layer.top.forEach((name, i) => {
      const shape = this.#options.shapes?.get(name) ?? own?.[i];
      if (!shape) {
        throw layerError(
          layer,
          `the shape of top "${name}" is not known before its data is read`,
          spanOf(layer, "top", i),
          ["give the data layer its data, or replace it: replaceDataLayers, or --data PATH"],
        );
      }
      checkShape(layer, `top "${name}"`, shape, spanOf(layer, "top", i));
      checkValues(layer, `top "${name}"`, shape, spanOf(layer, "top", i));
      const leaf = input(name, float32(shape));
      this.#inputs.set(name, leaf);
      this.#bind(layer, name, i, leaf);
    });
  }

  #addCompute(layer: LayerParameter, type: ComputeLayer, bottoms: readonly Value[]): void {
    const topCount = topCountOf(layer, type);
    const place = this.#place(layer, type, bottoms, topCount);
    const specs = type.blobs?.(place) ?? [];
    specs.forEach(({ shape }, i) => {
      checkShape(layer, `parameter ${i}`, shape);
    });
    this.#name(layer, specs.length > 0);
    const blobs = this.#parameters.add(layer, specs).map((leaf) => this.#latest(leaf));
    const { param, phase, error, bottomError } = place;
    // Without a spread, which V8 makes slow objects of: a third of the time of nets of thousands of layers.
    const site: Site<never> = {
      layer,
      param,
      phase,
      bottoms,
      topCount,
      error,
      bottomError,
      blobs,
      caffeQuirks: this.#options.caffeQuirks === true,
      random: (shape) => {
        const leaf = input(`random:${this.#randoms.length}`, float32(shape));
        this.#randoms.push(leaf);
        return leaf;
      },
      size: (scalar, most) => {
        this.#name(layer, true);
        const { sizes } = this.#options;
        const size = sizes ? sizes.get(layer.name) : most;
        if (size === undefined) throw new DataDependentSize(layer.name, scalar, this.#randoms);
        return size;
      },
      carry: (shape) => {
        const value = input(`carry:${this.#carried.size}`, float32(shape));
        this.#carried.add(value);
        return value;
      },
      source: (path) => {
        const blob = this.#options.sources?.get(path);
        if (!blob) throw place.error(`the blob file "${path}" was not read`, "source");
        return blob;
      },
    };
    const { tops, state, file } = lowerLayer(type, site);
    if (tops.length !== topCount) {
      // Only a plugin can come to this.
      throw layerError(layer, `its lowering gives ${tops.length} tops for ${topCount}`, spanOf(layer, "type"));
    }
    if (file) this.#files.push(file);
    for (const [leaf, value] of state ?? []) {
      if (this.#carried.has(leaf)) this.#carries.set(leaf, value);
      else this.#states.set(this.#stateKeys.get(leaf) ?? this.#parameters.keyOf(leaf), value);
    }
    const weights = tops.map((_, i) => layer.loss_weight[i] ?? (type.loss && i === 0 ? 1 : 0));
    const learns = specs.some(({ state: kept }, i) => !kept && (layer.param[i]?.lr_mult ?? 1) !== 0);
    this.#steps.push({ type, place, tops, learns, isLoss: weights.some((weight) => weight !== 0) });
    tops.forEach((value, i) => {
      const name = layer.top[i];
      if (name !== undefined) this.#bind(layer, name, i, value);
      const weight = weights[i]!;
      if (weight !== 0) this.#losses.push({ blob: name ?? layer.name, value, weight });
    });
  }

  /** Notes a layer's name. Throws for a second layer of one name where it is the key of something; Caffe's own nets have others. */
  #name(layer: LayerParameter, keyed: boolean): void {
    if (layer.name.includes("\0")) throw layerError(layer, "its name has a NUL character in it", spanOf(layer, "name"));
    const known = this.#named.get(layer.name);
    if (!known || known.layer === layer) {
      this.#named.set(layer.name, { layer, keyed: keyed || known?.keyed === true });
      return;
    }
    if (!keyed && !known.keyed) return;
    throw layerError(layer, "another layer above has this name too", spanOf(layer, "name"), [
      "weights are found by the names of layers: rename one of them",
    ]);
  }

  /** A parameter, or of a state that a layer above has changed already (shared running statistics) what it left. */
  #latest(leaf: Value): Value {
    const key = this.#parameters.keyOf(leaf);
    const changed = this.#states.get(key);
    if (!changed) return leaf;
    this.#stateKeys.set(changed, key);
    return changed;
  }

  #bind(layer: LayerParameter, name: string, index: number, value: Value): void {
    const span = spanOf(layer, "top", index);
    const inPlace = layer.bottom[index] === name;
    if (this.#blobs.has(name) && !inPlace) {
      throw layerError(layer, `top "${name}" is produced by another layer above too`, span, [
        "only an in-place layer (the same name as bottom and top) may produce a blob again",
      ]);
    }
    if (name === "" || name.includes("\0")) {
      throw layerError(layer, name === "" ? "a top without a name" : "a top's name has a NUL character in it", span);
    }
    const why = inPlace ? this.#readers.whyNotInPlace(name, layer) : undefined;
    if (why) {
      throw layerError(layer, `"${name}" cannot be changed in place: ${why}`, span, ["give the top a name of its own"]);
    }
    this.#readers.produce(name, layer, index);
    checkShape(layer, `top "${name}"`, value.type.shape, span);
    this.#blobs.set(name, value);
    this.#available.add(name);
  }
}

/** Constants are made while a layer is lowered, and parameters may ask for more of them than there is memory. */
function lowerLayer(type: ComputeLayer, site: Site<never>): ReturnType<ComputeLayer["lower"]> {
  try {
    return type.lower(site);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw layerError(site.layer, `its parameters make it too large: ${error.message}`, spanOf(site.layer));
  }
}

/** A layer's own phase, which goes before the net's. */
export function phaseOf(layer: LayerParameter): Phase | undefined {
  if (!has(layer, "phase")) return undefined;
  return layer.phase === PhaseNumber.TRAIN ? "TRAIN" : "TEST";
}

/** Names that an error lists at most. */
const LISTED = 50;

/** Names as errors list them: of many, the last. */
function namesText(names: readonly string[]): string {
  const more = names.length - LISTED;
  return more > 0 ? `${names.slice(-LISTED).join(", ")} and ${more} above` : names.join(", ");
}
