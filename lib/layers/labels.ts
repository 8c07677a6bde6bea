import { has } from "../caffe/message.js";
import type { AccuracyParameter, LossParameter } from "../caffe/messages.js";
import { count } from "../graph/index.js";
import type { LabelFacts } from "./facts.js";

type ShapeOf = (bottom: number) => readonly number[];
type IgnoreParam = LossParameter | AccuracyParameter;

/** The facts of labels in bottom 1 for predictions in bottom 0 with classes along `axis`. */
export function labelsAlong(axis: number, shapeOf: ShapeOf, param: IgnoreParam): LabelFacts {
  return { bottom: 1, classes: shapeOf(0).at(axis) ?? 1, ignored: ignoredLabel(param) };
}

/** The same for predictions whose axes after the first are all classes. */
export function labelsAfterBatch(shapeOf: ShapeOf, param: IgnoreParam): LabelFacts {
  return { bottom: 1, classes: count(shapeOf(0), 1), ignored: ignoredLabel(param) };
}

const ignoredLabel = (param: IgnoreParam) => (has(param, "ignore_label") ? param.ignore_label : undefined);
