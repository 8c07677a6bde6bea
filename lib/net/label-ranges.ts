import type { LayerParameter } from "../caffe/messages.js";
import { factsOf } from "../layers/index.js";
import type { LoweredNet } from "./lower.js";

/** Class numbers (or indices into a table) of a layer: whole parts from 0 to below `classes`. */
export interface LabelRange {
  readonly layer: string;
  /** Of rows of several numbers, the one that is a class; undefined: all values are. */
  readonly column?: number | undefined;
  readonly classes: number;
  /** A label that is allowed all the same. */
  readonly ignored?: number | undefined;
}

/** Ranges by the name of the input blob that they are asked of. */
export type LabelRanges = Readonly<Record<string, readonly LabelRange[]>>;

/** The ranges of class numbers that a net's layers ask of its input blobs, so that a label outside is found with its record. */
export function labelRanges(layers: readonly LayerParameter[], { inputs, blobs }: LoweredNet): LabelRanges {
  const ranges: Record<string, LabelRange[]> = {};
  for (const layer of layers) {
    const labels = factsOf(layer).labels?.(layer, (i) => blobs.get(layer.bottom[i]!)!.type.shape);
    if (!labels) continue;
    const { bottom, ...range } = labels;
    const name = layer.bottom[bottom]!;
    // What an in-place layer has changed is not what the data says.
    if (!inputs.has(name) || inputs.get(name) !== blobs.get(name)) continue;
    ranges[name] = [...(ranges[name] ?? []), { layer: layer.name, ...range }];
  }
  return ranges;
}

/** Reason why a value is not what these ranges ask for, or undefined where it is. */
export function labelProblem(value: number, ranges: readonly LabelRange[]): string | undefined {
  const whole = Math.trunc(value);
  const broken = ranges.find(({ classes, ignored }) => !(whole >= 0 && whole < classes) && whole !== ignored);
  return broken && `${value} is out of range: layer "${broken.layer}" takes 0 to ${broken.classes - 1}`;
}
