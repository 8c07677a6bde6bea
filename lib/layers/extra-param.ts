import type { LayerParameter } from "../caffe/messages.js";
import { noteUnknown, type UnknownField, unknownFields } from "../text/notes.js";

/** A value of a field that Caffe's schema does not have: numbers, booleans and strings by their looks, enum values as strings. */
export type ExtraValue = number | boolean | string | ExtraParam | readonly ExtraValue[];

/** Fields by name; one that is given several times is a list. */
export interface ExtraParam {
  readonly [field: string]: ExtraValue;
}

/**
 * A field of a layer that Caffe's schema does not have, such as `my_param { ... }` of a fork's layer, for plugins; an empty
 * object where it is not given.
 */
export function extraParam(layer: LayerParameter, name: string): ExtraParam {
  const value = extraFieldsOf(unknownFields(layer))[name];
  return typeof value === "object" && !Array.isArray(value) ? (value as ExtraParam) : {};
}

/** By layer name, the fields that Caffe's schema does not have. */
export type ExtraFields = Readonly<Record<string, readonly UnknownField[]>>;

/** The extra fields of all layers, to go beside their binary form, which has no place for them. */
export function extraFields(layers: readonly LayerParameter[]): ExtraFields {
  const given = layers.map((layer) => [layer.name, unknownFields(layer)] as const);
  return Object.fromEntries(given.filter(([, fields]) => fields.length > 0));
}

/** Layers that were decoded, with their extra fields again. */
export function withExtraFields(layers: readonly LayerParameter[], extras: ExtraFields): readonly LayerParameter[] {
  const byName = new Map(Object.entries(extras));
  for (const layer of layers) for (const field of byName.get(layer.name) ?? []) noteUnknown(layer, field);
  return layers;
}

/** Unknown fields as values by name. */
export function extraFieldsOf(fields: readonly UnknownField[]): ExtraParam {
  const result: Record<string, ExtraValue> = {};
  for (const field of fields) {
    const value = "fields" in field ? extraFieldsOf(field.fields) : scalar(field.text);
    const before = Object.hasOwn(result, field.name) ? result[field.name] : undefined;
    result[field.name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return result;
}

function scalar(text: string): ExtraValue {
  if (/^["']/.test(text)) return text.slice(1, -1);
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text.replace(/f$/, ""));
  return Number.isNaN(number) ? text : number;
}
