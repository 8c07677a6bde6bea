import { create, has, sub as message } from "../caffe/message.js";
import {
  type AccuracyParameter,
  type LossParameter,
  LossParameter_NormalizationMode as Mode,
} from "../caffe/messages.js";
import { constant, constantOf, count, type Value } from "../graph/index.js";
import { cast, div, equal, greater, max, not, stopGradient, sumAll, where } from "../ops/index.js";
import { indicesOf } from "./indices.js";
import { bottomText, legacyShape, type Place } from "./layer.js";

/** Throws if predictions and labels (bottoms 0 and 1) differ in their first axis, as Caffe's loss layers check. */
export function checkBatch(place: Place<unknown>): void {
  const [x, labels] = place.bottoms.map(({ type }) => type.shape) as [readonly number[], readonly number[]];
  if (x.length > 0 && labels.length > 0 && x[0] === labels[0]) return;
  throw place.bottomError(
    1,
    `${bottomText(place, 1)} and ${bottomText(place, 0)} differ in their first axis, the batch`,
  );
}

/** Throws unless bottom `index` is one number for each entry of the batch: [n], [n, 1], [n, 1, 1] or [n, 1, 1, 1]. */
export function checkOnePerEntry(place: Place<unknown>, index: number): void {
  const [, ...rest] = legacyShape(place, index);
  if (rest.every((dim) => dim === 1)) return;
  throw place.bottomError(index, `${bottomText(place, index)} is not one number for each entry of the batch`);
}

/** Throws unless bottoms 0 and 1 have the same number of entries. */
export function checkSameCount(place: Place<unknown>): void {
  const [a, b] = place.bottoms.map(({ type }) => count(type.shape));
  if (a === b) return;
  throw place.bottomError(1, `${bottomText(place, 1)} and ${bottomText(place, 0)} differ in their number of entries`);
}

/** Predictions [outer, classes, inner] that have one label each, by the axis of the classes. */
export interface Predictions {
  readonly axis: number;
  readonly outer: number;
  readonly classes: number;
  readonly inner: number;
}

/** The predictions of bottom 0 along an axis. Throws if bottom 1 is not one label for each. */
export function predictions(place: Place<unknown>, axis: number): Predictions {
  const [x, labels] = place.bottoms.map(({ type }) => type.shape) as [readonly number[], readonly number[]];
  const outer = count(x, 0, axis);
  const inner = count(x, axis + 1);
  if (count(labels) !== outer * inner) {
    throw place.bottomError(
      1,
      `${bottomText(place, 1)} is not a label for each of the ${outer * inner} predictions of ${bottomText(place, 0)}`,
      [`with axis ${axis} as that of the classes the labels are [${[...x.slice(0, axis), ...x.slice(axis + 1)]}]`],
    );
  }
  return { axis, outer, classes: x[axis]!, inner };
}

/** Normalisation of a loss's sum: by counts, or by a number that the net gives (R-FCN's PRE_FIXED). */
export type Normalization = Exclude<Mode, typeof Mode.PRE_FIXED> | { readonly divisor: number };

/** A loss's normalisation; `smooths` is true of one that reads label_smoothing. The old `normalize: false` means BATCH_SIZE where `normalization` is not given. */
export function normalizationMode(
  place: Place<unknown>,
  fallback: Exclude<Normalization, object> = Mode.VALID,
  smooths = false,
): Normalization {
  const param = message(place.layer, "loss_param");
  if (!smooths) refuseSmoothing(place);
  if (has(param, "normalization")) {
    return param.normalization === Mode.PRE_FIXED ? { divisor: param.pre_fixed_normalizer } : param.normalization;
  }
  if (has(param, "normalize")) return param.normalize ? Mode.VALID : Mode.BATCH_SIZE;
  return fallback;
}

/**
 * Divisor of a loss's sum. `outer` and `inner` are the numbers of batch and spatial entries; `valid` the number of
 * entries that are not ignored, a scalar. At least 1, so that a batch of ignored labels gives 0.
 */
export function normalizer(mode: Normalization, outer: number, inner: number, valid: Value): Value {
  if (typeof mode === "object") return constant(Math.max(1, mode.divisor));
  switch (mode) {
    case Mode.FULL:
      return constant(Math.max(1, outer * inner));
    case Mode.VALID:
      return max(valid, constant(1));
    case Mode.BATCH_SIZE:
      return constant(Math.max(1, outer));
    case Mode.NONE:
      return constant(1);
  }
}

/** Mask of the entries that count: those whose label is not `ignore_label`. */
export interface Kept {
  /** float32 0 or 1, of the labels' shape; undefined where nothing is ignored. */
  readonly kept: Value | undefined;
  /** Number of entries that count, a float32 scalar. */
  readonly valid: Value;
}

/** Labels as int64 class indices. */
export interface Labels extends Kept {
  /** Ignored labels stand as 0 here. */
  readonly classes: Value;
}

/** Mask of the entries that count. Labels are compared by their whole part. */
export function keptEntries(labels: Value, param: LossParameter | AccuracyParameter): Kept {
  if (!has(param, "ignore_label")) return { kept: undefined, valid: constant(count(labels.type.shape)) };
  const ignored = constantOf("int64", BigInt64Array.of(BigInt(param.ignore_label)), []);
  const kept = cast(not(equal(cast(stopGradient(labels), "int64"), ignored)), "float32");
  return { kept, valid: sumAll(kept) };
}

/** Reads labels, which never have a gradient. Any number may be the ignored one; others have to be in [0, classes). */
export function readLabels(labels: Value, classes: number, param?: LossParameter | AccuracyParameter): Labels {
  const entries = keptEntries(labels, param ?? create("LossParameter"));
  if (!entries.kept) return { ...entries, classes: indicesOf(labels, classes) };
  const counted = where(greater(entries.kept, constant(0)), stopGradient(labels), constant(0));
  return { ...entries, classes: indicesOf(counted, classes) };
}

/**
 * x with 0 in the place of entries that do not count, whose scores may be anything: Caffe skips them, in the loss and in its gradient.
 * `kept` broadcasts over x.
 */
export const counting = (x: Value, kept: Value | undefined): Value =>
  kept ? where(greater(kept, constant(0)), x, constant(0)) : x;

/** `sum / normalizer`, with the gradient going to the sum alone. */
export const normalized = (sum: Value, by: Value): Value => div(sum, stopGradient(by));

/** Throws where label_smoothing is given: only SoftmaxWithLoss reads it. */
export function refuseSmoothing(place: Place<unknown>): void {
  if (message(place.layer, "loss_param").label_smoothing !== 0)
    throw place.error("label_smoothing is for SoftmaxWithLoss layers", "loss_param");
}

/** 1 over what a loss weighs: a factor of gradients that authors give whatever the loss weighs. */
export const inverseWeight = ({ layer }: Place<unknown>): number => 1 / (layer.loss_weight[0] || 1);
