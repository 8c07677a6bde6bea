import {
  type AccuracyParameter,
  LossParameter_NormalizationMode as Mode,
  type LossParameter,
} from "../caffe/messages.js";
import { has, sub as message } from "../caffe/message.js";
import { constant, constantOf, count, type Value } from "../graph/index.js";
import { cast, div, equal, max, not, sumAll, stopGradient, where } from "../ops/index.js";
import type { Place } from "./layer.js";

/** A loss's normalisation mode; the old `normalize: false` means BATCH_SIZE where `normalization` is not given. */
export function normalizationMode(place: Place<unknown>): Mode {
  const param = message(place.layer, "loss_param");
  if (!has(param, "normalization") && has(param, "normalize")) return param.normalize ? Mode.VALID : Mode.BATCH_SIZE;
  return param.normalization;
}

/**
 * What a loss's sum is divided by. `outer` and `inner` are the numbers of batch and spatial entries; `valid` the number of
 * entries that are not ignored, a scalar. At least 1, so that a batch of ignored labels gives 0.
 */
export function normalizer(mode: Mode, outer: number, inner: number, valid: Value): Value {
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

/** Labels as int64 class indices and, where a label is ignored, which entries count (float32 0 or 1). */
export interface Labels {
  /** Ignored labels stand as 0 here. */
  readonly classes: Value;
  readonly kept: Value | undefined;
  /** Number of entries that count, a float32 scalar. */
  readonly valid: Value;
}

/** Reads labels, which never have a gradient. */
export function readLabels(labels: Value, param: LossParameter | AccuracyParameter): Labels {
  const classes = cast(stopGradient(labels), "int64");
  const total = constant(count(labels.type.shape));
  if (!has(param, "ignore_label")) return { classes, kept: undefined, valid: total };
  const ignored = equal(classes, constantOf("int64", BigInt64Array.of(BigInt(param.ignore_label)), []));
  const kept = cast(not(ignored), "float32");
  return {
    classes: where(ignored, constantOf("int64", BigInt64Array.of(0n), []), classes),
    kept,
    valid: sumAll(kept),
  };
}

/** `sum / normalizer`, with the gradient going to the sum alone. */
export const normalized = (sum: Value, by: Value): Value => div(sum, stopGradient(by));
