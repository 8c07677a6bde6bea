import { LAYER_PARAMS, type LayerParameter } from "../caffe/messages.js";
import { NetrunError, nearest } from "../error.js";
import { spanOf } from "../text/notes.js";
import type { DataFacts, DataOrigin, LayerFacts } from "./facts.js";
import { foreignData, foreignType, isNamedActivation, isNamedLoss, isNamedScore } from "./foreign.js";
import { pythonFacts } from "./forks/python-layers.js";
import { refusedTypes } from "./forks/refused.js";
import { unsupportedTypes } from "./forks/unsupported.js";
import { isDataLayer, type LayerType } from "./layer.js";
import { registeredTypes, typeKey } from "./plugins.js";
import { noPython } from "./python.js";
import { layerTypes } from "./types.js";

/**
 * The type of a layer, a plugin's before a built-in one. A layer without bottoms of another type, or in Python, is one that brings
 * data in; else undefined.
 */
export function findType(layer: LayerParameter, types?: ReadonlyMap<string, LayerType>): LayerType | undefined {
  const own = types?.get(typeKey(layer));
  if (own) return own;
  if (isForeignData(layer)) return foreignType(layer, foreignFacts(layer));
  return builtIn(layer.type);
}

/**
 * Tests whether a layer brings data in that netrun knows nothing else of: it has no bottoms, and netrun does not have its type, or it
 * has more tops than netrun fills: labels of several kinds, say, which forks read from their own records.
 */
export function isForeignData({ type, bottom, top }: LayerParameter): boolean {
  if (bottom.length > 0 || top.length === 0) return false;
  return type === "Python" || !Object.hasOwn(layerTypes, type) || hasMoreTops(type, top.length);
}

/** Tests whether a type of netrun's that reads records has fewer tops. */
function hasMoreTops(type: string, tops: number): boolean {
  const known = builtIn(type);
  if (!known || !isDataLayer(known) || !READ.has(known.data.origin)) return false;
  return tops > (typeof known.tops === "number" ? known.tops : known.tops[1]);
}

/** Origins of records that a layer's own source names. */
const READ: ReadonlySet<DataOrigin> = new Set(["annotated", "database", "images", "maps", "windows"]);

const builtIn = (type: string): LayerType | undefined =>
  Object.hasOwn(layerTypes, type) ? (layerTypes as Readonly<Record<string, LayerType>>)[type] : undefined;

function foreignFacts(layer: LayerParameter): LayerFacts {
  const own = builtIn(layer.type);
  if (own && layer.type !== "Python") return { data: { ...foreignData, ...own.data, origin: "unread" } };
  const known = layer.type === "Python" ? pythonFacts(layer) : unsupportedFacts(layer);
  return { ...known, data: { ...foreignData, ...known.data } };
}

/** Facts on a type that netrun cannot run. */
function unsupportedFacts(layer: LayerParameter): LayerFacts {
  const unsupported: Readonly<Record<string, LayerFacts>> = unsupportedTypes;
  if (Object.hasOwn(unsupported, layer.type)) return unsupported[layer.type]!;
  if (isNamedActivation(layer)) return ACTIVATION;
  return isNamedLoss(layer) ? LOSS : isNamedScore(layer) ? SCORE : {};
}

/** A loss that nobody knows: a number in training, and in inference its prediction. */
const LOSS: LayerFacts = { inference: { as: "prediction" }, topShapes: ({ top }) => top.map(() => []) };

/** A score that nobody knows: what is predicted does not depend on it. */
const SCORE: LayerFacts = { score: true, inference: { as: "nothing" }, topShapes: ({ top }) => top.map(() => []) };

/** An activation or the like that nobody knows. */
const ACTIVATION: LayerFacts = { likelyShapes: (_, shapeOf) => [shapeOf(0)] };

/** The type of a layer. Throws a NetrunError, located, where there is none. */
export function requireType(layer: LayerParameter, types?: ReadonlyMap<string, LayerType>): LayerType {
  const type = findType(layer, types);
  if (type) return type;
  const isOfSchema = Object.hasOwn(LAYER_PARAMS, layer.type);
  const near = isOfSchema ? undefined : nearestType(layer, types);
  const what = isOfSchema ? `layer type "${layer.type}" is not supported yet` : `unknown layer type "${layer.type}"`;
  throw new NetrunError(`layer "${layer.name}": ${what}`, {
    span: spanOf(layer, "type") ?? spanOf(layer),
    notes: [
      ...(isOfSchema ? ["its parameters are known, but not how it is computed"] : []),
      ...(Object.hasOwn(refusedTypes, layer.type) ? [refusedTypes[layer.type]!] : []),
      ...(near ? [`did you mean "${near}"?`] : []),
      "`netrun layers` lists the types that are there; a plugin can add one: --plugin FILE",
    ],
    unsupported: true,
  });
}

/** Message for a layer of no type of netrun's that brings data in, where nobody gives its data. */
export function noForeignData(layer: LayerParameter): NetrunError {
  if (layer.type === "Python") {
    const span = spanOf(layer, "python_param") ?? spanOf(layer);
    const { message, ...rest } = noPython(layer);
    return new NetrunError(`layer "${layer.name}": ${message}`, { ...rest, span });
  }
  const isKnown = builtIn(layer.type) !== undefined;
  const near = isKnown ? undefined : nearestType(layer);
  const what = isKnown
    ? `it has ${layer.top.length} tops, more than netrun's ${layer.type} layers fill`
    : `it brings data in, and netrun has no layer type "${layer.type}"`;
  return new NetrunError(`layer "${layer.name}": ${what}`, {
    span: spanOf(layer, "type") ?? spanOf(layer),
    notes: [
      ...(near ? [`did you mean "${near}"?`] : []),
      "give its data: --data PATH (in the API data, or replaceDataLayers), or shapes: --shape BLOB=N,C,H,W",
    ],
    unsupported: true,
  });
}

/** The type that a layer's type is nearest to, where it looks like one misspelt. */
export function nearestType({ type }: LayerParameter, types?: ReadonlyMap<string, LayerType>): string | undefined {
  return nearest(type, [...Object.keys(layerTypes), ...(types?.keys() ?? [])]);
}

/** The facts on a layer's type; none for a type that nobody knows. */
export function factsOf(layer: LayerParameter, types: ReadonlyMap<string, LayerType> = registeredTypes()): LayerFacts {
  const facts: LayerFacts = findType(layer, types) ?? unsupportedFacts(layer);
  return facts.specific ? { ...facts, ...facts.specific(layer) } : facts;
}

/** Content of a data layer; undefined for layers that compute. */
export const dataOf = (layer: LayerParameter): DataFacts | undefined => factsOf(layer).data;

/** The tops of a layer that are places of maxima. */
export function placeTops(layer: LayerParameter): readonly string[] {
  const { placesFrom } = factsOf(layer);
  return placesFrom === undefined ? [] : layer.top.slice(placesFrom);
}

/** Tests whether a layer is one that data from elsewhere can take the place of: every data layer but those that fill their tops themselves. */
export function takesData(layer: LayerParameter): boolean {
  const data = dataOf(layer);
  return data !== undefined && data.origin !== "fillers";
}

/** Tests whether a layer has a source of data of its own: it takes data and is not a plain input. */
export const bringsData = (layer: LayerParameter): boolean => takesData(layer) && dataOf(layer)!.origin !== "input";
