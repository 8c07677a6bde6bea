import { arange, constant, count, type Value } from "../../graph/index.js";
import { placesOf, scatter } from "../../ops/detection.js";
import {
  add,
  and,
  cast,
  concat,
  div,
  equal,
  expand,
  gather,
  greater,
  greaterOrEqual,
  less,
  log,
  max,
  min,
  mul,
  not,
  reduceMax,
  reshape,
  slice,
  stopGradient,
  sub,
  sumAll,
  topK,
  transpose,
  where,
  zeros,
} from "../../ops/index.js";
import { oneHot } from "../indices.js";
import { bottomText, type Lowered, type Place, type Site, unsupported } from "../layer.js";
import { anchorsOf, type ProposalSettings } from "./proposal.js";

/** Faster R-CNN's configuration for end-to-end training, by its names there. */
const TRAIN = {
  RPN_BATCHSIZE: 256,
  RPN_FG_FRACTION: 0.5,
  RPN_POSITIVE_OVERLAP: 0.7,
  RPN_NEGATIVE_OVERLAP: 0.3,
  BATCH_SIZE: 128,
  FG_FRACTION: 0.25,
  FG_THRESH: 0.5,
  BBOX_NORMALIZE_STDS: [0.1, 0.1, 0.2, 0.2],
} as const;

const side = (x: Value, i: number) => slice(x, x.type.shape.length - 1, i, i + 1);

/** Intersection over union [a, b] of boxes [a, 4] and [b, 4] whose far corners belong to them: a pixel is 1 wide. */
function overlapsOf(a: Value, b: Value): Value {
  const [n, m] = [a.type.shape[0]!, b.type.shape[0]!];
  const [rows, columns] = [reshape(a, [n, 1, 4]), reshape(b, [1, m, 4])];
  const inclusive = (low: Value, high: Value) => max(add(sub(high, low), constant(1)), constant(0));
  const area = (x: Value) => mul(inclusive(side(x, 0), side(x, 2)), inclusive(side(x, 1), side(x, 3)));
  const [w, h] = [0, 1].map((i) =>
    inclusive(max(side(rows, i), side(columns, i)), min(side(rows, i + 2), side(columns, i + 2))),
  ) as [Value, Value];
  const shared = mul(w, h);
  return reshape(div(shared, sub(add(area(rows), area(columns)), shared)), [n, m]);
}

/** Offsets [n, 4] that move boxes [n, 4] onto others: of centres in sizes, and logarithms of sizes. */
function offsetsTo(boxes: Value, others: Value): Value {
  const corner = (x: Value, i: number) => slice(x, 1, 2 * i, 2 * i + 2);
  const size = (x: Value) => add(sub(corner(x, 1), corner(x, 0)), constant(1));
  const centre = (x: Value) => add(corner(x, 0), mul(size(x), constant(0.5)));
  return concat([div(sub(centre(others), centre(boxes)), size(boxes)), log(div(size(others), size(boxes)))], 1);
}

const float = (x: Value) => cast(x, "float32");

/** Of the entries that `mask` [n] has, at most `most` (a number or a float32 scalar), drawn: float32 0 or 1 [n]. */
function drawn(site: Site<unknown>, mask: Value, most: Value): Value {
  const n = mask.type.shape[0]!;
  const order = topK(where(mask, site.random([n]), constant(-1)), 0, n).indices;
  const ranks = arange(n);
  const rank = scatter(zeros([n]), order, ranks, 0);
  return float(and(mask, less(rank, most)));
}

/** Boxes of the ground truth [g, 5] of (x1, y1, x2, y2, class). */
function truthOf(site: Place<unknown>, bottom: number): Value {
  const { shape } = site.bottoms[bottom]!.type;
  if (shape.length < 2 || count(shape, 1) !== 5)
    throw site.bottomError(bottom, `${bottomText(site, bottom)} are not boxes [g, 5]`);
  return stopGradient(reshape(site.bottoms[bottom]!, [shape[0]!, 5]));
}

/**
 * Faster R-CNN's AnchorTargetLayer. Bottoms: scores [1, 2a, h, w], boxes [g, 5], im_info [1, 3]; one more is not read. Tops for a
 * anchors a cell: labels [1, 1, a*h, w], 1 for anchors that overlap a box by 0.7 or are the best of one, 0 for those below 0.3, drawn
 * to 256, at most half of them 1, -1 for the others; targets [1, 4a, h, w], weights inside and outside of the loss.
 */
export function anchorTargets(site: Site<unknown>, settings: ProposalSettings, border: number): Lowered {
  const [n, c, h, w] = site.bottoms[0]!.type.shape as [number, number, number, number];
  if (n !== 1) throw site.bottomError(0, "anchors are for one image at a time");
  const truth = slice(truthOf(site, 1), 1, 0, 4);
  const info = stopGradient(reshape(site.bottoms[2]!, [1, count(site.bottoms[2]!.type.shape)]));
  const own = anchorsOf(settings);
  // A fork's module of the same name: CTPN's has ten anchors of one width.
  if (c !== 2 * own.length)
    throw unsupported(
      site.bottomError(
        0,
        `${bottomText(site, 0)} scores ${c / 2} anchors a cell, and netrun's layer has ${own.length}`,
      ),
    );
  const [a, total] = [own.length, h * w * own.length];
  const cells = Float32Array.from({ length: 4 * total }, (_, i) => {
    const cell = Math.floor(i / 4 / a);
    const shift = i % 2 === 0 ? cell % w : Math.floor(cell / w);
    return own[Math.floor(i / 4) % a]![i % 4]! + shift * settings.stride;
  });
  const anchors = constant(cells, [total, 4]);
  const upTo = (i: number) => add(slice(info, 1, i, i + 1), constant(border));
  const edges = [
    greaterOrEqual(side(anchors, 0), constant(-border)),
    greaterOrEqual(side(anchors, 1), constant(-border)),
    less(side(anchors, 2), upTo(1)),
    less(side(anchors, 3), upTo(0)),
  ];
  const within = reshape(edges.reduce(and), [total, 1]);
  const overlaps = where(within, overlapsOf(anchors, truth), constant(-1));
  const best = topK(overlaps, 1, 1);
  const most = reshape(best.values, [total]);
  const inside = reshape(within, [total]);
  const ofBoxes = and(equal(overlaps, reduceMax(overlaps, [0], true)), within);
  const isBest = greater(reduceMax(float(ofBoxes), [1]), constant(0));
  const positive = and(inside, orElse(isBest, greaterOrEqual(most, constant(TRAIN.RPN_POSITIVE_OVERLAP))));
  const low = and(less(most, constant(TRAIN.RPN_NEGATIVE_OVERLAP)), not(positive));
  const ones = drawn(site, positive, constant(TRAIN.RPN_FG_FRACTION * TRAIN.RPN_BATCHSIZE));
  const nulls = drawn(site, and(inside, low), sub(constant(TRAIN.RPN_BATCHSIZE), sumAll(ones)));
  const examples = add(ones, nulls);
  const labels = sub(add(mul(ones, constant(2)), nulls), constant(1));
  const matched = gather(truth, reshape(best.indices, [total]), 0);
  const targets = where(within, offsetsTo(anchors, matched), constant(0));
  const planes = (x: Value) => stopGradient(transpose(reshape(x, [1, h, w, 4 * a]), [0, 3, 1, 2]));
  const weights = (x: Value) => planes(expand(reshape(x, [total, 1]), [total, 4]));
  const rows = reshape(transpose(reshape(labels, [1, h, w, a]), [0, 3, 1, 2]), [1, 1, a * h, w]);
  const share = div(examples, sumAll(examples));
  return { tops: [stopGradient(rows), planes(targets), weights(ones), weights(share)].slice(0, site.topCount) };
}

const orElse = (a: Value, b: Value) => not(and(not(a), not(b)));

/**
 * Faster R-CNN's ProposalTargetLayer. Bottoms: proposals [r, 5] of (0, x1, y1, x2, y2) and boxes [g, 5], which are proposals too.
 * Tops: of these at most 128, a quarter of them that overlap a box by 0.5 or more [s, 5]; their classes [s], 0 where they do not;
 * targets for the class of each [s, 4 * classes], over their standard deviations, and weights inside and outside of the loss.
 */
export function proposalTargets(site: Site<unknown>, classes: number, batchSize: number = TRAIN.BATCH_SIZE): Lowered {
  const truth = truthOf(site, 1);
  const boxes = slice(truth, 1, 0, 4);
  const proposals = stopGradient(reshape(site.bottoms[0]!, [site.bottoms[0]!.type.shape[0]!, 5]));
  const all = concat([proposals, concat([zeros([truth.type.shape[0]!, 1]), boxes], 1)], 0);
  const n = all.type.shape[0]!;
  // With -1 all are kept, among which the losses choose the hardest (R-FCN's OHEM).
  const size = batchSize < 0 ? n : Math.min(batchSize, n);
  const isReal = reshape(greaterOrEqual(slice(all, 1, 0, 1), constant(0)), [n]);
  const best = topK(overlapsOf(slice(all, 1, 1, 5), boxes), 1, 1);
  const near = and(isReal, greaterOrEqual(reshape(best.values, [n]), constant(TRAIN.FG_THRESH)));
  const far = and(isReal, not(near));
  const most = batchSize < 0 ? n : Math.round(TRAIN.FG_FRACTION * batchSize);
  const random = () => site.random([n]);
  const first = topK(where(near, random(), constant(-1)), 0, Math.min(most, n));
  const then = topK(where(far, random(), constant(-1)), 0, size);
  const isFirst = float(greaterOrEqual(first.values, constant(0)));
  const room = sub(constant(size), sumAll(isFirst));
  const order = arange(then.values.type.shape[0]!);
  const isThen = float(and(greaterOrEqual(then.values, constant(0)), less(order, room)));
  const kept = concat([isFirst, isThen], 0);
  const rows = site.size(sumAll(kept), size);
  const places = placesOf(kept, rows);
  const chosen = gather(concat([first.indices, then.indices], 0), places, 0);
  const rois = gather(all, chosen, 0);
  const match = gather(truth, gather(reshape(best.indices, [n]), chosen, 0), 0);
  const foreground = less(float(places), constant(first.values.type.shape[0]!));
  const labels = where(foreground, reshape(slice(match, 1, 4, 5), [rows]), constant(0));
  const deviations = constant(Float32Array.from(TRAIN.BBOX_NORMALIZE_STDS), [4]);
  const targets = div(offsetsTo(slice(rois, 1, 1, 5), slice(match, 1, 0, 4)), deviations);
  // Of two classes, the second is every object (R-FCN's boxes are the same for all classes).
  const index = classes === 2 ? min(labels, constant(1)) : labels;
  const ofClass = mul(oneHot(cast(index, "int64"), classes), float(greater(reshape(labels, [rows, 1]), constant(0))));
  const perClass = (x: Value) => reshape(mul(reshape(ofClass, [rows, classes, 1]), x), [rows, 4 * classes]);
  const weights = perClass(constant(Float32Array.of(1, 1, 1, 1), [1, 1, 4]));
  const tops = [rois, labels, perClass(reshape(targets, [rows, 1, 4])), weights, weights];
  return { tops: tops.map(stopGradient) };
}
