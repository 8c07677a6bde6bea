import { LAYER_PARAMS, type LayerParameter } from "../caffe/messages.js";
import { NetrunError, nearest } from "../error.js";
import { spanOf } from "../text/notes.js";
import type { DataFacts, LayerFacts } from "./facts.js";
import { refusedTypes } from "./forks/refused.js";
import { unsupportedTypes } from "./forks/unsupported.js";
import type { LayerType } from "./layer.js";
import { registeredTypes, typeKey } from "./plugins.js";
import { layerTypes } from "./types.js";

/** The type of a layer, a plugin's before a built-in one; undefined where there is neither. */
export function findType(layer: LayerParameter, types?: ReadonlyMap<string, LayerType>): LayerType | undefined {
  const builtIn: Readonly<Record<string, LayerType>> = layerTypes;
  return types?.get(typeKey(layer)) ?? (Object.hasOwn(builtIn, layer.type) ? builtIn[layer.type] : undefined);
}

/** The type of a layer. Throws a NetrunError, located, where there is none. */
export function requireType(layer: LayerParameter, types?: ReadonlyMap<string, LayerType>): LayerType {
  const type = findType(layer, types);
  if (type) return type;
  const isOfSchema = Object.hasOwn(LAYER_PARAMS, layer.type);
  const near = isOfSchema ? undefined : nearest(layer.type, [...Object.keys(layerTypes), ...(types?.keys() ?? [])]);
  const what = isOfSchema ? `layer type "${layer.type}" is not supported yet` : `unknown layer type "${layer.type}"`;
  throw new NetrunError(`layer "${layer.name}": ${what}`, {
    span: spanOf(layer, "type") ?? spanOf(layer),
    notes: [
      ...(isOfSchema ? ["its parameters are known, but not how it is computed"] : []),
      ...(Object.hasOwn(refusedTypes, layer.type) ? [refusedTypes[layer.type]!] : []),
      ...(near ? [`did you mean "${near}"?`] : []),
      "`netrun layers` lists the types that are there; a plugin can add one: --plugin FILE",
    ],
  });
}

/** The facts on a layer's type; none for a type that nobody knows. */
export function factsOf(layer: LayerParameter, types: ReadonlyMap<string, LayerType> = registeredTypes()): LayerFacts {
  const unsupported: Readonly<Record<string, LayerFacts>> = unsupportedTypes;
  const facts = findType(layer, types) ?? (Object.hasOwn(unsupported, layer.type) ? unsupported[layer.type]! : {});
  return facts.specific ? { ...facts, ...facts.specific(layer) } : facts;
}

/** What a data layer brings; undefined for layers that compute. */
export const dataOf = (layer: LayerParameter): DataFacts | undefined => factsOf(layer).data;

/** The tops of a layer that are places of maxima. */
export function placeTops(layer: LayerParameter): readonly string[] {
  const { placesFrom } = factsOf(layer);
  return placesFrom === undefined ? [] : layer.top.slice(placesFrom);
}

/** Whether a layer is one that data from elsewhere can take the place of: every data layer but those that fill their tops themselves. */
export function takesData(layer: LayerParameter): boolean {
  const data = dataOf(layer);
  return data !== undefined && data.origin !== "fillers";
}

/** Whether a layer has a source of data of its own: it takes data and is not a plain input. */
export const bringsData = (layer: LayerParameter): boolean => takesData(layer) && dataOf(layer)!.origin !== "input";
