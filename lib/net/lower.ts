import { type Refusal, refusalOf, refusals } from "../caffe/forks/index.js";
import { has, sub } from "../caffe/message.js";
import { type LayerParameter, Phase as PhaseNumber } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { float32, input, labelled, type Value } from "../graph/index.js";
import {
  type ComputeLayer,
  type DataLayer,
  type FileOutput,
  factsOf,
  isDataLayer,
  isForeignData,
  type LayerType,
  layerTypes,
  type PhaseName,
  type Place,
  requireType,
  type Site,
  typeKey,
  unsupported,
} from "../layers/index.js";
import { stopGradient } from "../ops/index.js";
import { spanOf } from "../text/notes.js";
import {
  checkCounts,
  checkShape,
  checkValues,
  fieldSpan,
  layerError,
  noBottom,
  noShape,
  topCountOf,
} from "./checks.js";
import { alignedCrops } from "./crop-offsets.js";
import { learns } from "./layout.js";
import type { Loss, LoweredNet, LowerOptions } from "./lowered.js";
import { ParameterTable } from "./parameters.js";
import { Readers, readSkipping } from "./readers.js";
import { type GradientPathLayer, whyUntrainable } from "./trainable.js";

export type { Loss, LoweredNet, LowerOptions } from "./lowered.js";

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

/**
 * Lowers the layers of one phase, in order, to values by blob name. In-place layers rebind the name, shared parameters are the
 * same leaf, a bottom with `propagate_down: false` passes no gradient.
 * Throws NetrunError, located in the prototxt, for what Caffe refuses and for layer types that netrun does not have.
 */
export function lower(layers: readonly LayerParameter[], options: LowerOptions): LoweredNet {
  const net = new Lowering(options, readSkipping(layers, options.types));
  for (const layer of alignedCrops(layers)) labelled(layer.name, () => net.add(layer));
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
  readonly #steps: GradientPathLayer[] = [];
  readonly #readers = new Readers();
  readonly #unknown = new Set<string>();
  readonly #implied = new Map<string, readonly number[]>();
  /** Blobs of which rows of item -1 are skipped by whoever reads them. */
  readonly #readSkipping: ReadonlySet<string>;
  readonly #evaluated = new Map<string, "detections">();
  /** Layers by name, with whether something of theirs is found by it: parameters, a size that data decides. */
  readonly #named = new Map<string, { readonly layer: LayerParameter; keyed: boolean }>();

  constructor(options: LowerOptions, skipped: ReadonlySet<string>) {
    this.#options = options;
    this.#readSkipping = skipped;
  }

  add(layer: LayerParameter): void {
    const { onUnsupported, types } = this.#options;
    if (!onUnsupported) {
      this.#add(layer, requireType(layer, types));
      return;
    }
    try {
      const isUnknown = layer.bottom.map((_, i) => this.#isUnknown(layer, i)).some(Boolean);
      const type = requireType(layer, types);
      if (isUnknown) this.#addUnknown(layer);
      else this.#add(layer, type);
    } catch (error) {
      // Without a field of a fork, what is left of a layer need not fit: the net is not wrong.
      if (!(error instanceof NetrunError && (error.unsupported || this.#refused(layer).length > 0))) throw error;
      if (error.unsupported) onUnsupported(layer, error, false);
      this.#addUnknown(layer);
    }
  }

  /**
   * A layer's fields of forks with which it does not run, those first from which shapes follow. Plugins read fields that nobody else
   * knows, and so does who brings in foreign data.
   */
  #refused(layer: LayerParameter): readonly Refusal[] {
    if (this.#options.types?.has(typeKey(layer)) || isForeignData(layer)) return [];
    const all = [...refusals(layer, `layer "${layer.name}": `)];
    return all.sort((a, b) => Number(b.shapes) - Number(a.shapes));
  }

  #add(layer: LayerParameter, type: LayerType): void {
    const refused = this.#refused(layer);
    if (refused[0] && (refused[0].shapes || !this.#options.onUnsupported)) throw refusalOf(refused);
    // Shapes are looked at as they are without them.
    for (const { error } of refused) this.#options.onUnsupported!(layer, error, true);
    const bottoms = layer.bottom.map((name, i) => this.#bottom(layer, type, name, i));
    checkCounts(layer, type);
    if (isDataLayer(type)) this.#addData(layer, type, bottoms);
    else this.#addCompute(layer, type, bottoms);
  }

  /** Tests whether a blob is there and has no shape. Throws where no layer above makes it. */
  #isUnknown(layer: LayerParameter, index: number): boolean {
    const name = layer.bottom[index]!;
    this.#given(layer, name, index);
    if (this.#blobs.has(name)) return false;
    if (!this.#unknown.has(name)) throw noBottom(layer, index, [...this.#blobs.keys(), ...this.#unknown]);
    this.#available.delete(name);
    const shapeOf = (i: number) => this.#blobs.get(layer.bottom[i]!)?.type.shape;
    for (const [i, shape] of factsOf(layer, this.#options.types).implies?.(layer, shapeOf) ?? []) {
      const blob = layer.bottom[i];
      if (blob !== undefined && this.#unknown.has(blob) && !this.#implied.has(blob)) this.#implied.set(blob, shape);
    }
    return true;
  }

  /** A layer whose tops have no shapes, but for those that are given, that its type's facts tell, or of blobs that it changes in place. */
  #addUnknown(layer: LayerParameter): void {
    for (const name of layer.bottom) this.#available.delete(name);
    const shapeOf = (i: number) => this.#blobs.get(layer.bottom[i]!)?.type.shape;
    const shapes = factsOf(layer, this.#options.types).topShapes?.(layer, shapeOf) ?? [];
    const inPlace = (name: string) => (layer.bottom.includes(name) ? this.#blobs.get(name)?.type.shape : undefined);
    layer.top.forEach((name, i) => {
      const shape = shapes[i] ?? inPlace(name) ?? this.#options.shapes?.get(name);
      if (!layer.bottom.includes(name)) this.#refuseTwice(layer, name, i);
      this.#blobs.delete(name);
      this.#unknown.delete(name);
      if (shape) this.#bind(layer, name, i, input(name, float32(shape)));
      else {
        this.#unknown.add(name);
        this.#available.add(name);
      }
    });
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
      unknown: this.#unknown,
      implied: this.#implied,
      evaluated: this.#evaluated,
    };
  }

  /** Makes an input of a bottom that no layer above makes and whose shape is given: what ran the net once fed it. */
  #given(layer: LayerParameter, name: string, index: number): void {
    const shape = this.#options.shapes?.get(name);
    if (!shape || this.#blobs.has(name) || this.#unknown.has(name)) return;
    checkShape(layer, `bottom "${name}"`, shape, spanOf(layer, "bottom", index));
    this.#inputs.set(name, input(name, float32(shape)));
    this.#blobs.set(name, this.#inputs.get(name)!);
  }

  #bottom(layer: LayerParameter, type: LayerType, name: string, index: number): Value {
    this.#given(layer, name, index);
    const value = this.#blobs.get(name);
    if (value) {
      this.#available.delete(name);
      this.#readers.read(name, layer, index);
      const stopped = layer.propagate_down.length > 0 && !layer.propagate_down[index];
      return stopped && !this.#isForced(layer, type, index) ? stopGradient(value) : value;
    }
    throw noBottom(layer, index, [...this.#blobs.keys(), ...this.#unknown]);
  }

  /** Tests whether force_backward overrides `propagate_down: false`: not to labels and the like. Source: AllowForceBackward in Caffe. */
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
        if (!this.#options.onUnsupported) throw noShape(layer, name, i);
        this.#unknown.add(name);
        this.#available.add(name);
        return;
      }
      checkShape(layer, `top "${name}"`, shape, spanOf(layer, "top", i));
      checkValues(layer, `top "${name}"`, shape, spanOf(layer, "top", i));
      if (RESERVED.test(name)) {
        throw layerError(layer, `an input cannot be called "${name}"`, spanOf(layer, "top", i), [
          "models that netrun makes have inputs and outputs of such names",
        ]);
      }
      const leaf = input(name, float32(shape));
      this.#inputs.set(name, leaf);
      this.#bind(layer, name, i, leaf);
      const weight = layer.loss_weight[i] ?? 0;
      if (weight !== 0) this.#losses.push({ blob: name, value: leaf, weight });
    });
  }

  #addCompute(layer: LayerParameter, type: ComputeLayer, bottoms: readonly Value[]): void {
    const topCount = topCountOf(layer, type);
    const place = this.#place(layer, type, bottoms, topCount);
    const isPlugin = !Object.hasOwn(layerTypes, typeKey(layer));
    const specs = guarded(layer, isPlugin, () => type.blobs?.(place) ?? []);
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
      skipsEmptyRows: (top) => this.#readSkipping.has(layer.top[top] ?? ""),
      carry: (shape) => {
        const value = input(`carry:${this.#carried.size}`, float32(shape));
        this.#carried.add(value);
        return value;
      },
      reads: this.#options.sources !== undefined,
      source: (path, field = "source") => {
        const blob = this.#options.sources?.get(path);
        if (!blob) throw unsupported(place.error(`the file "${path}" was not read`, field));
        return blob;
      },
    };
    const { tops, state, file } = guarded(layer, isPlugin, () => type.lower(site));
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
      if (name !== undefined && type.evaluates) this.#evaluated.set(name, type.evaluates);
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

  #refuseTwice(layer: LayerParameter, name: string, index: number): void {
    if (!this.#blobs.has(name) && !this.#unknown.has(name)) return;
    throw layerError(layer, `top "${name}" is produced by another layer above too`, spanOf(layer, "top", index), [
      "only an in-place layer (the same name as bottom and top) may produce a blob again",
    ]);
  }

  #bind(layer: LayerParameter, name: string, index: number, value: Value): void {
    const span = spanOf(layer, "top", index);
    const inPlace = layer.bottom[index] === name;
    if (!inPlace) this.#refuseTwice(layer, name, index);
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

/** Names of what else a model takes and gives, and the one that objects do not have as their own. */
const RESERVED = /^((param|random|carry|seed|blobs|states|carries|files|gradients|inputGradients|sum):|__proto__$)/;

/**
 * Calls a layer type's own code. Constants are made while a layer is lowered, and parameters may ask for more of them than there is
 * memory; a plugin may not be sound: both are errors of the layer.
 */
function guarded<T>(layer: LayerParameter, isPlugin: boolean, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof NetrunError || error instanceof DataDependentSize) throw error;
    const { message } = error as Error;
    if (error instanceof RangeError)
      throw layerError(layer, `its parameters make it too large: ${message}`, spanOf(layer));
    if (!isPlugin) throw error;
    throw layerError(layer, `its plugin fails: ${message}`, spanOf(layer, "type"), [
      "the plugin should check its bottoms",
    ]);
  }
}

/** A layer's own phase, which goes before the net's. */
export function phaseOf(layer: LayerParameter): PhaseName | undefined {
  if (!has(layer, "phase")) return undefined;
  return layer.phase === PhaseNumber.TRAIN ? "TRAIN" : "TEST";
}
