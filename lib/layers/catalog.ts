import { type MessageName, reflect } from "../caffe/schema.js";
import { isDataLayer, type LayerType, numberText, type ParamsField } from "./layer.js";
import { layerTypes } from "./types.js";

/** A layer type as `netrun layers` shows it. */
export interface CatalogEntry {
  readonly type: string;
  readonly bottoms: string;
  readonly tops: string;
  /** True if it brings data in. */
  readonly data: boolean;
  /** True if its first top weighs 1 in the objective unless loss_weight says otherwise. */
  readonly loss: boolean;
  readonly params: readonly CatalogParam[];
}

/** A message of LayerParameter that a layer type reads. */
export interface CatalogParam {
  readonly field: ParamsField;
  readonly fields: readonly CatalogField[];
}

/** A parameter: its type as the schema has it, an enum's names, and its default where it has one. */
export interface CatalogField {
  readonly name: string;
  readonly type: string;
  readonly repeated: boolean;
  readonly default: string | undefined;
}

/** All layer types by name, from their definitions and Caffe's schema; plugins' among them where they are given. */
export function catalog(plugins: ReadonlyMap<string, LayerType> = new Map()): readonly CatalogEntry[] {
  const all = new Map<string, LayerType>([...Object.entries(layerTypes), ...plugins]);
  const names = [...all.keys()].sort((a, b) => a.localeCompare(b, "en", { sensitivity: "base" }));
  return names.map((name) => entry(name, all.get(name)!));
}

function entry(type: string, layer: LayerType): CatalogEntry {
  const fields = [...(layer.param === null ? [] : [layer.param]), ...(layer.also ?? [])];
  const perBottom = layer.topPerBottom ? ", one a bottom" : "";
  return {
    type,
    bottoms: numberText(layer.bottoms),
    tops: `${numberText(layer.tops)}${perBottom}`,
    data: isDataLayer(layer),
    loss: !isDataLayer(layer) && layer.loss === true,
    params: fields.map((field) => ({ field, fields: fieldsOf(field) })),
  };
}

function fieldsOf(param: ParamsField): readonly CatalogField[] {
  const { resolvedType } = reflect("LayerParameter").fields[param]!;
  return reflect(resolvedType!.name as MessageName).fieldsArray.map((field) => ({
    name: field.name,
    type: enumNames(field.resolvedType) ?? field.type,
    repeated: field.repeated,
    default: field.options?.["default"] === undefined ? undefined : String(field.options["default"]),
  }));
}

function enumNames(type: object | null): string | undefined {
  return type && "values" in type ? Object.keys(type.values as object).join(" | ") : undefined;
}
