import { type Layout, view } from "../net/layout.js";
import type { LoweredNet } from "../net/lower.js";
import type { RunResult } from "./compiled-net.js";

/** Mean absolute value of a layer's top blob, or of one of its parameters, or of the gradient of either. */
export interface Statistic {
  readonly layer: string;
  readonly blob?: string;
  /** Index of the parameter in its layer. */
  readonly param?: number;
  readonly meanAbs: number;
}

/** L1 and L2 norm of all parameters, or of all their gradients. */
export interface Norms {
  readonly l1: number;
  readonly l2: number;
}

/** Numbers that Caffe's debug_info shows of a forward and a backward. */
export interface PassStatistics {
  /** In order of computation. */
  readonly forward: readonly Statistic[];
  /** From the last layer to the first. */
  readonly backward: readonly Statistic[];
  readonly norms: { readonly data: Norms; readonly diff: Norms };
}

/** A parameter's mean absolute value after an update, and that of its change. */
export interface UpdateStatistic {
  readonly layer: string;
  readonly param: number;
  readonly data: number;
  readonly diff: number;
}

/** Numbers that Caffe's debug_info shows of an iteration. */
export interface Statistics extends PassStatistics {
  readonly update: readonly UpdateStatistic[];
}

/**
 * Statistics of a forward and a backward: of each blob and parameter, then of their gradients from the last layer to the first,
 * then the norms of all. Blobs that layers change in place show once, as they are in the end.
 */
export function passStatistics(
  net: LoweredNet,
  layout: Layout,
  weights: Float32Array,
  result: RunResult,
): PassStatistics {
  const blobs = [...net.blobs].map(([name, { node }]) => ({ name, layer: node.label === "" ? name : node.label }));
  // A layer whose top another one changes in place has no blob of its own left: its parameters come last.
  const rest = [...layout.slots.values()].map(({ parameter }) => parameter.layer);
  const layers = [...new Set([...blobs.map(({ layer }) => layer), ...rest])];
  const blobsOf = (each: string) => blobs.filter(({ layer }) => layer === each).map(({ name }) => name);
  const slotsOf = (each: string) => [...layout.slots.values()].filter((slot) => slot.parameter.layer === each);
  return {
    forward: layers.flatMap((layer) => [
      ...blobsOf(layer).map((blob) => ({ layer, blob, meanAbs: meanAbs(result.blobs[blob]!) })),
      ...slotsOf(layer).map((slot) => ({
        layer,
        param: slot.parameter.index,
        meanAbs: meanAbs(view(weights, slot)),
      })),
    ]),
    backward: layers.reverse().flatMap((layer) => [
      ...blobsOf(layer).flatMap((blob) => {
        const gradient = result.inputGradients[blob];
        return gradient ? [{ layer, blob, meanAbs: meanAbs(gradient) }] : [];
      }),
      ...slotsOf(layer).flatMap(({ parameter }) => {
        const diff = result.gradients[parameter.key];
        return diff ? [{ layer, param: parameter.index, meanAbs: meanAbs(diff) }] : [];
      }),
    ]),
    norms: { data: normsOf([weights]), diff: normsOf(Object.values(result.gradients)) },
  };
}

/** Statistics of an update: each parameter after it, and by how much it changed. */
export function updateStatistics(
  layout: Layout,
  before: Float32Array,
  after: Float32Array,
): readonly UpdateStatistic[] {
  return [...layout.slots.values()].map((slot) => {
    const { layer, index } = slot.parameter;
    const [from, to] = [view(before, slot), view(after, slot)];
    const diff = meanAbs(from.map((value, i) => value - to[i]!));
    return { layer, param: index, data: meanAbs(to), diff };
  });
}

function meanAbs(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!);
  return sum / values.length;
}

function normsOf(parts: readonly Float32Array[]): Norms {
  let [l1, squares] = [0, 0];
  for (const values of parts) {
    for (let i = 0; i < values.length; i++) {
      l1 += Math.abs(values[i]!);
      squares += values[i]! * values[i]!;
    }
  }
  return { l1, l2: Math.sqrt(squares) };
}
