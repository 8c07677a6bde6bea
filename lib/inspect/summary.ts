import { refusals } from "../caffe/forks/index.js";
import type { LayerParameter, NetParameter } from "../caffe/messages.js";
import { positionOf } from "../error.js";
import { count, multiplyAdds, topological, type Value } from "../graph/index.js";
import { type Family, factsOf, findType, isDataLayer, type PhaseName, registeredTypes } from "../layers/index.js";
import type { LoweredNet } from "../net/lower.js";
import { spanOf } from "../text/notes.js";
import { dataTops, lowerKnown, shapeFlags } from "./known.js";
import { PIXEL, type ReceptiveField, receptiveField } from "./receptive.js";
import type { DataShapes } from "./shapes.js";
import { windowText } from "./window-text.js";

/** A blob that a layer makes; without a shape where the data is not known. */
export interface TopSummary {
  readonly name: string;
  readonly shape?: readonly number[] | undefined;
}

/** A parameter blob of a layer. */
export interface ParameterSummary {
  readonly shape: readonly number[];
  /** The layer that owns it, where it is shared. */
  readonly sharedWith?: string | undefined;
}

/** A layer of a net in one phase. */
export interface LayerSummary {
  readonly name: string;
  readonly type: string;
  readonly line?: number | undefined;
  readonly bottoms: readonly string[];
  readonly tops: readonly TopSummary[];
  readonly inPlace: boolean;
  readonly blobs: readonly ParameterSummary[];
  /** Layers above whose parameters it shares, by ParamSpec names; known even without shapes. */
  readonly sharesWith: readonly string[];
  /** Numbers in its own blobs; shared ones count where they are owned. */
  readonly parameters: number;
  /** Multiplications with its blobs, each with an addition, in a forward of one batch. */
  readonly multiplyAdds: number;
  readonly receptiveField?: ReceptiveField | undefined;
  readonly kind: LayerKind;
  /** Kernel, stride, pad and kind of a layer that slides a window; empty for others. */
  readonly window: string;
}

/** Role of a layer, as drawings show it; `scores` are losses and what tells how good predictions are. */
export type LayerKind = "data" | "scores" | Family | "other";

/** A net in one phase. */
export interface NetSummary {
  readonly name: string;
  readonly phase: PhaseName;
  readonly layers: readonly LayerSummary[];
  readonly inputs: readonly TopSummary[];
  readonly outputs: readonly TopSummary[];
  /** True if all shapes are known; else what is counted are the layers whose shapes are. */
  readonly complete: boolean;
  readonly parameters: number;
  readonly multiplyAdds: number;
  /** Bytes of all blobs of a forward, and of parameters; training needs each once more for gradients. */
  readonly blobBytes: number;
  readonly parameterBytes: number;
  readonly notes: readonly string[];
}

const FLOAT_BYTES = 4;

/**
 * Summary of a net of one phase (filtered): shapes, parameters, costs. Where shapes of its data are not known, and after layers that
 * netrun does not have, the layers alone, with the reason among the notes. Throws NetrunError, located, for what is wrong with the net.
 */
export function summarise(net: NetParameter, phase: PhaseName, data: DataShapes): NetSummary {
  const types = registeredTypes();
  const { lowered, unsupported, assumed } = lowerKnown(net.layer, data, { phase, types });
  const isComplete = lowered.unknown.size === 0;
  const costs = costsByLayer(lowered);
  const fields = new Map<string, ReceptiveField | undefined>();
  const owners = new Map<string, string>();
  const blobsOf = blobsByLayer(lowered);
  const layers = net.layer.map((layer) => {
    const blobs = blobsOf.get(layer.name) ?? [];
    const type = findType(layer, types);
    const isData = type !== undefined && isDataLayer(type);
    const field = isData
      ? undefined
      : receptiveField(
          layer,
          layer.bottom.map((name) => fields.get(name)),
        );
    for (const top of layer.top) fields.set(top, isData ? dataField(lowered.blobs.get(top)) : field);
    const own = blobs.filter(({ sharedWith }) => sharedWith === undefined);
    const span = spanOf(layer);
    return {
      name: layer.name,
      type: layer.type,
      line: span && positionOf(span).line,
      bottoms: layer.bottom,
      tops: layer.top.map((name) => ({ name, shape: lowered.blobs.get(name)?.type.shape })),
      inPlace: layer.top.some((top, i) => top === layer.bottom[i]),
      blobs,
      sharesWith: sharedLayers(layer, owners),
      parameters: own.reduce((sum, { shape }) => sum + count(shape), 0),
      multiplyAdds: blobs.length > 0 ? (costs.get(layer.name) ?? 0) : 0,
      receptiveField: field,
      kind: kindOf(layer),
      window: windowText(layer),
    };
  });
  const open = dataTops(net.layer).filter((top) => lowered.unknown.has(top));
  const parameters = layers.reduce((sum, layer) => sum + layer.parameters, 0);
  return {
    name: net.name,
    phase,
    layers,
    inputs: topsNamed([...lowered.inputs.keys(), ...open], lowered),
    outputs: topsNamed(lowered.outputs, lowered),
    complete: isComplete,
    parameters,
    multiplyAdds: layers.reduce((sum, layer) => sum + layer.multiplyAdds, 0),
    blobBytes: FLOAT_BYTES * sumOf([...lowered.blobs.values()]),
    parameterBytes: FLOAT_BYTES * parameters,
    notes: [...ownFields(net), ...data.notes, ...assumed, ...missing(open), ...unsupported],
  };
}

/** Notes on a net's own fields with which it does not run, each once. */
function ownFields(net: NetParameter): readonly string[] {
  const lines = new Map<string, number | undefined>();
  for (const { error } of refusals(net, ""))
    if (!lines.has(error.message)) lines.set(error.message, error.span && positionOf(error.span).line);
  return Array.from(lines, ([message, line]) => (line === undefined ? message : `${message} (line ${line})`));
}

/** Message for data whose shapes are not known. */
function missing(tops: readonly string[]): readonly string[] {
  if (tops.length === 0) return [];
  return [`shapes are not known without the data: ${shapeFlags(tops)}`];
}

function kindOf(layer: LayerParameter): LayerKind {
  if (layer.bottom.length === 0) return "data";
  const { loss, score, family = "other" } = factsOf(layer);
  return loss || score ? "scores" : family;
}

function topsNamed(names: readonly string[], lowered: LoweredNet | undefined): TopSummary[] {
  return names.map((name) => ({ name, shape: lowered?.blobs.get(name)?.type.shape }));
}

function sumOf(values: readonly Value[]): number {
  return values.reduce((sum, { type }) => sum + count(type.shape), 0);
}

/** Only images have places. */
function dataField(value: Value | undefined): ReceptiveField | undefined {
  return value?.type.shape.length === 4 ? PIXEL : undefined;
}

/** The parameter blobs of each layer, by its name. */
function blobsByLayer({ parameters }: LoweredNet): ReadonlyMap<string, readonly ParameterSummary[]> {
  const blobs = new Map<string, ParameterSummary[]>();
  for (const parameter of parameters)
    for (const use of parameter.users) {
      const own = blobs.get(use.layer) ?? [];
      own[use.index] = { shape: use.shape, sharedWith: use === parameter.users[0] ? undefined : parameter.layer };
      blobs.set(use.layer, own);
    }
  return blobs;
}

/** The owners of a layer's named parameters, other than itself; it becomes the owner of names that are new. */
function sharedLayers({ name, param }: LayerParameter, owners: Map<string, string>): string[] {
  const others = new Set<string>();
  for (const spec of param) {
    if (spec.name === "") continue;
    const owner = owners.get(spec.name);
    if (owner === undefined) owners.set(spec.name, name);
    else if (owner !== name) others.add(owner);
  }
  return [...others];
}

/** Multiplications, each with an addition, by the layer that they come from. */
function costsByLayer(net: LoweredNet): Map<string, number> {
  const costs = new Map<string, number>();
  for (const node of topological([...net.blobs.values()]))
    costs.set(node.label, (costs.get(node.label) ?? 0) + multiplyAdds(node));
  return costs;
}
