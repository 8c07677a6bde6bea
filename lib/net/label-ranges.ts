import { has, sub } from "../caffe/message.js";
import type { LayerParameter } from "../caffe/messages.js";
import { count } from "../graph/index.js";
import type { LoweredNet } from "./lower.js";

/** What a layer takes as class numbers (or indices into a table): whole parts from 0 to below `classes`. */
export interface LabelRange {
  readonly layer: string;
  readonly classes: number;
  /** A label that is allowed all the same. */
  readonly ignored?: number | undefined;
}

/** Ranges by the name of the input blob that they are asked of. */
export type LabelRanges = Readonly<Record<string, readonly LabelRange[]>>;

/** Which bottom of a layer holds indices, and how many things there are. */
type Describe = (layer: LayerParameter, shapeOf: (bottom: number) => readonly number[]) => [bottom: number, n: number];

const classesAt = (axis: number, shape: readonly number[]): number => shape.at(axis) ?? 1;
const classesAfterFirst: Describe = (_, shapeOf) => [1, count(shapeOf(0), 1)];

const INDEXED = {
  SoftmaxWithLoss: (layer, shapeOf) => [1, classesAt(sub(layer, "softmax_param").axis, shapeOf(0))],
  InfogainLoss: (layer, shapeOf) => [1, classesAt(sub(layer, "infogain_loss_param").axis, shapeOf(0))],
  Accuracy: (layer, shapeOf) => [1, classesAt(sub(layer, "accuracy_param").axis, shapeOf(0))],
  MultinomialLogisticLoss: classesAfterFirst,
  HingeLoss: classesAfterFirst,
  Embed: (layer) => [0, sub(layer, "embed_param").input_dim],
} as const satisfies Record<string, Describe>;

/** The ranges of class numbers that a net's layers ask of its input blobs, so that a label outside is found with its record. */
export function labelRanges(layers: readonly LayerParameter[], { inputs, blobs }: LoweredNet): LabelRanges {
  const ranges: Record<string, LabelRange[]> = {};
  for (const layer of layers) {
    const describe = INDEXED[layer.type as keyof typeof INDEXED] as Describe | undefined;
    if (!describe) continue;
    const [bottom, classes] = describe(layer, (i) => blobs.get(layer.bottom[i]!)!.type.shape);
    const name = layer.bottom[bottom]!;
    // What an in-place layer has changed is not what the data says.
    if (!inputs.has(name) || inputs.get(name) !== blobs.get(name)) continue;
    ranges[name] = [...(ranges[name] ?? []), { layer: layer.name, classes, ignored: ignoredLabel(layer) }];
  }
  return ranges;
}

function ignoredLabel(layer: LayerParameter): number | undefined {
  const param = layer.type === "Accuracy" ? sub(layer, "accuracy_param") : sub(layer, "loss_param");
  return has(param, "ignore_label") ? param.ignore_label : undefined;
}

/** Why a value is not what these ranges ask for, or undefined where it is. */
export function labelProblem(value: number, ranges: readonly LabelRange[]): string | undefined {
  const whole = Math.trunc(value);
  const broken = ranges.find(({ classes, ignored }) => !(whole >= 0 && whole < classes) && whole !== ignored);
  return broken && `${value} is out of range: layer "${broken.layer}" takes 0 to ${broken.classes - 1}`;
}
