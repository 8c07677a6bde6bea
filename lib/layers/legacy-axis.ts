import { has, type Message } from "../caffe/message.js";
import { canonicalAxis, type Place } from "./layer.js";

/**
 * The axis of Concat and Slice: `axis`, or its older form (concat_dim, slice_dim), which never counts from the end.
 * Throws if both are given, or the axis is none of the blob's.
 */
export function legacyAxis(
  place: Place<Message & { readonly axis: number }>,
  oldField: string,
  oldAxis: number,
  rank: number,
): number {
  const { param } = place;
  if (!has(param, oldField as never)) return canonicalAxis(place, param.axis, rank);
  if (has(param, "axis" as never)) throw place.error(`give axis or ${oldField}, not both`, oldField);
  if (oldAxis >= rank) throw place.error(`${oldField} ${oldAxis} is out of range for a blob of ${rank} axes`, oldField);
  return oldAxis;
}
