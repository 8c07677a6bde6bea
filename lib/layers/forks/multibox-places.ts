import type { MultiBoxLossParameter } from "../../caffe/messages.js";
import { arange, constant, type Value } from "../../graph/index.js";
import {
  and,
  add,
  cast,
  equal,
  gather,
  greater,
  greaterOrEqual,
  less,
  max,
  min,
  mul,
  not,
  reduceMax,
  reshape,
  slice,
  stopGradient,
  transpose,
  where,
} from "../../ops/index.js";
import { indicesOf } from "../indices.js";
import type { Site } from "../layer.js";
import { decodedBoxes } from "./box-code.js";
import type { Candidates, Matches } from "./multibox-match.js";

type P = MultiBoxLossParameter;

/** Boxes of a MultiBoxLoss: p priors of n items, whose offsets may be of each class. */
export interface Boxes {
  /** Priors [1, p, 4] as they are given. */
  readonly priors: Value;
  /** Variances [1, p, 4]. */
  readonly variances: Value;
  /** Boxes that offsets are to: the priors, or RefineDet's of its first stage [n, p, 4]. */
  readonly anchors: Value;
  /** Boxes that are compared with the ground truth: priors [p, 4], or predictions [n, p, 4] or [n * classes, p, 4]. */
  readonly compared: Value;
  /** Boxes whose corners count as inside of the image or not, for `bp_inside`; they broadcast with offsets. */
  readonly inside: Value;
  /** Compared boxes that are matched with nothing and not mined, float32 0 or 1 [..., p]. */
  readonly barred: Value | undefined;
}

/** The boxes that the bottoms stand for. They have no gradients. */
export function boxesOf({ param, bottoms }: Site<P>): Boxes {
  const [offsets, , given, , , first] = bottoms as [Value, Value, Value, Value, Value?, Value?];
  const n = offsets.type.shape[0]!;
  const p = given.type.shape[2]! / 4;
  const [priors, variances] = [0, 1].map((i) =>
    reshape(slice(stopGradient(reshape(given, [2, p, 4])), 0, i, i + 1), [1, p, 4]),
  ) as [Value, Value];
  const scale = param.encode_variance_in_target ? undefined : variances;
  const decoded = (by: Value, from: Value) => decodedBoxes(param.code_type, stopGradient(by), from, scale);
  const anchors = first ? decoded(reshape(first, [n, p, 4]), priors) : priors;
  const own = offsetsOf(param, offsets, p);
  const compared = !param.use_prior_for_matching ? decoded(own, priors) : first ? anchors : reshape(priors, [p, 4]);
  const inside = param.use_prior_for_matching ? anchors : first ? decoded(own, anchors) : compared;
  const barred = param.ignore_cross_boundary_bbox ? crossing(compared) : undefined;
  return { priors, variances, anchors, compared, inside, barred };
}

/** Offsets of p priors as [n, p, 4], or as [n * classes, p, 4] where each class has its own. */
export function offsetsOf({ share_location, num_classes: classes }: P, offsets: Value, p: number): Value {
  const n = offsets.type.shape[0]!;
  if (share_location) return reshape(offsets, [n, p, 4]);
  return reshape(transpose(reshape(offsets, [n, p, classes, 4]), [0, 2, 1, 3]), [n * classes, p, 4]);
}

/** The candidates of the matching: the boxes of the ground truth [g, 8] with priors or predictions; where predictions of each class are, a class of an item counts as an item. */
export function matchCandidates({ param, bottoms }: Site<P>, truth: Value, { compared, barred }: Boxes): Candidates {
  const n = bottoms[0]!.type.shape[0]!;
  const owners = ownersOf(param, truth, n);
  const corners = slice(truth, 1, 3, 7);
  if (compared.type.shape.length === 2) return { truth: corners, owners, priors: compared, barred };
  const classes = param.share_location ? 1 : param.num_classes;
  const items = max(columnOf(truth, 0), constant(0));
  const rows =
    classes === 1 ? items : add(mul(items, constant(classes)), clampedTo(labelColumn(param, truth), classes - 1));
  // Each box of the ground truth is compared with the predictions of its own item.
  const own = (x: Value) => gather(x, indicesOf(rows, n * classes), 0);
  return {
    truth: corners,
    owners: classes === 1 ? owners : ownersOfClasses(param, truth, owners),
    priors: own(compared),
    barred: barred && own(barred),
  };
}

/** Mask of the boxes that count for each item, float32 0 or 1 [n, g]. */
function ownersOf({ use_difficult_gt: all }: P, truth: Value, n: number): Value {
  const column = (i: number) => transpose(slice(truth, 1, i, i + 1), [1, 0]);
  const belongs = equal(column(0), arange(n, [n, 1]));
  return cast(all ? belongs : and(belongs, equal(column(7), constant(0))), "float32");
}

/** Mask of the boxes that count for each class of each item, float32 0 or 1 [n * classes, g]; none for the background. */
function ownersOfClasses(param: P, truth: Value, owners: Value): Value {
  const { num_classes: classes, background_label_id: background } = param;
  const [n, g] = owners.type.shape as [number, number];
  const numbers = arange(classes, [1, classes, 1]);
  const isClass = and(
    equal(reshape(labelColumn(param, truth), [1, 1, g]), numbers),
    not(equal(numbers, constant(background))),
  );
  return reshape(mul(reshape(owners, [n, 1, g]), cast(isClass, "float32")), [n * classes, g]);
}

/** A column of the ground truth [g, 8] as [g]. */
const columnOf = (truth: Value, i: number) => reshape(slice(truth, 1, i, i + 1), [truth.type.shape[0]!]);

/** Classes of the ground truth [g]. */
function labelColumn({ num_classes: classes }: P, truth: Value): Value {
  const labels = columnOf(truth, 1);
  return classes === 2 ? min(labels, constant(1)) : labels;
}

/** Class of the match of each prior, of the shape of `index`, as float32. */
export const classesOf = (param: P, truth: Value, index: Value): Value =>
  gather(labelColumn(param, truth), cast(index, "int64"), 0);

/** Priors whose match has a class with offsets of its own, float32 0 or 1 [n, p]. */
export const ofClasses = (param: P, truth: Value, index: Value): Value =>
  cast(less(classesOf(param, truth, index), constant(param.num_classes)), "float32");

/** Numbers from 0 to a last one. */
export const clampedTo = (x: Value, last: number): Value => min(max(x, constant(0)), constant(last));

/** Corners in the image. */
export const within = (x: Value): Value => and(greaterOrEqual(x, constant(0)), greaterOrEqual(constant(1), x));

/** Boxes [..., p, 4] that reach out of the image, float32 0 or 1 [..., p]. */
const crossing = (boxes: Value) => reduceMax(cast(not(within(boxes)), "float32"), [boxes.type.shape.length - 1]);

/** Classes that the priors are matched with. */
export interface PriorLabels {
  /** Class of each prior [n, p], the background where nothing is matched, and the last of several, as int64. */
  readonly last: Value;
  /** Mask of all of them, float32 0 or 1 [n, p, classes]; none for the background. */
  readonly all: Value;
}

/** The classes of n items' priors by their matches. */
export function priorLabels(param: P, truth: Value, { matched, index }: Matches, n: number): PriorLabels {
  const { num_classes: classes, background_label_id: background } = param;
  const p = matched.type.shape[1]!;
  const numbers = arange(classes, [1, 1, classes]);
  if (matched.type.shape[0] !== n) {
    const all = transpose(reshape(matched, [n, classes, p]), [0, 2, 1]);
    const greatest = reduceMax(where(greater(all, constant(0)), numbers, constant(-1)), [2]);
    return { last: indicesOf(where(less(greatest, constant(0)), constant(background), greatest), classes), all };
  }
  const own = param.map_object_to_agnostic ? constant(background + 1) : classesOf(param, truth, index);
  const last = where(greater(matched, constant(0)), own, constant(background));
  const all = mul(cast(equal(reshape(last, [n, p, 1]), numbers), "float32"), reshape(matched, [n, p, 1]));
  return { last: indicesOf(last, classes), all };
}
