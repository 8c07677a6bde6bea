import { count } from "../graph/index.js";
import type { ParameterBlob } from "./parameters.js";

/** Position of a parameter in the flat buffer of all parameters, in floats. */
export interface Slot {
  readonly parameter: ParameterBlob;
  readonly offset: number;
  readonly length: number;
}

/** A run of parameters with the same multipliers, updated as one vector. */
export interface Segment {
  readonly offset: number;
  readonly length: number;
  readonly lrMult: number;
  readonly decayMult: number;
}

/**
 * The flat buffer of a net's parameters: what is trained first, equal multipliers side by side (a segment each),
 * then what is not (lr_mult 0, running statistics). Averaging is one loop, a snapshot one write, a transfer one buffer.
 */
export interface Layout {
  readonly length: number;
  /** By parameter key, in the net's order. */
  readonly slots: ReadonlyMap<string, Slot>;
  readonly segments: readonly Segment[];
  /** Floats of the buffer's start that are trained. */
  readonly trainable: number;
}

/** Lays out a net's parameters. The same layers give the same layout. */
export function layoutOf({ parameters }: { readonly parameters: readonly ParameterBlob[] }): Layout {
  const groups = new Map<string, ParameterBlob[]>();
  for (const parameter of parameters) {
    const key = learns(parameter) ? `${parameter.lrMult} ${parameter.decayMult}` : "";
    const group = groups.get(key);
    if (group) group.push(parameter);
    else groups.set(key, [parameter]);
  }
  const fixed = groups.get("") ?? [];
  groups.delete("");
  const offsets = new Map<string, number>();
  const segments: Segment[] = [];
  let offset = 0;
  const place = (group: readonly ParameterBlob[]) => {
    for (const { key, spec } of group) {
      offsets.set(key, offset);
      offset += count(spec.shape);
    }
  };
  for (const group of groups.values()) {
    const start = offset;
    place(group);
    segments.push({ offset: start, length: offset - start, lrMult: group[0]!.lrMult, decayMult: group[0]!.decayMult });
  }
  const trainable = offset;
  place(fixed);
  const slots = new Map<string, Slot>();
  for (const parameter of parameters) {
    const { key, spec } = parameter;
    slots.set(key, { parameter, offset: offsets.get(key)!, length: count(spec.shape) });
  }
  return { length: offset, slots, segments, trainable };
}

/** Tests whether a parameter is changed by training. */
export const learns = (parameter: ParameterBlob): boolean => !parameter.spec.state && parameter.lrMult !== 0;

/** A slot's part of a flat buffer: a view, not a copy. */
export const view = (buffer: Float32Array, { offset, length }: Slot): Float32Array =>
  buffer.subarray(offset, offset + length);
