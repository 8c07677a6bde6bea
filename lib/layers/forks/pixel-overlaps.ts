import { has, sub as message } from "../../caffe/message.js";
import { type DetectionEvaluateParameter, ResizeParameter_Resize_mode as Resize } from "../../caffe/messages.js";
import { constant, type Value } from "../../graph/index.js";
import {
  add,
  and,
  concat,
  div,
  greater,
  greaterOrEqual,
  max,
  min,
  mul,
  not,
  or,
  reshape,
  slice,
  sub,
  where,
} from "../../ops/index.js";

type P = DetectionEvaluateParameter;

/**
 * Overlaps of detections [d, 7] and boxes [g, 8] in pixels of the images of the detections, of heights and widths [d, 2]: as [d, g].
 * Sides count their last pixel. Boxes are clipped to the image; of images that `resize_param` keeps in a size or around it, to what the
 * image takes of it. Source: OutputBBox and JaccardOverlap in util/bbox_util.cpp of SSD's Caffe.
 */
export function pixelOverlaps(param: P, found: Value, truth: Value, sizes: Value): Value {
  const [d, g] = [found.type.shape[0]!, truth.type.shape[0]!];
  const own = reshape(sizes, [d, 1, 2]);
  const a = inPixels(param, reshape(slice(found, 1, 3, 7), [d, 1, 4]), own);
  const b = inPixels(param, reshape(slice(truth, 1, 3, 7), [1, g, 4]), own);
  const [low, high] = [max(lower(a), lower(b)), min(upper(a), upper(b))];
  const sides = add(sub(high, low), constant(1));
  const meet = and(...halves(greaterOrEqual(high, low)));
  // The fork takes one pixel of boxes that do not meet.
  const shared = where(meet, product(sides), constant(1));
  const overlaps = div(shared, sub(add(areaOf(param, a), areaOf(param, b)), shared));
  return reshape(overlaps, [d, g]);
}

const half = (x: Value, i: number) => slice(x, 2, 2 * i, 2 * i + 2);
const lower = (x: Value) => half(x, 0);
const upper = (x: Value) => half(x, 1);
/** The two entries of a last axis of 2. */
const halves = (x: Value) => [slice(x, 2, 0, 1), slice(x, 2, 1, 2)] as const;
const product = (x: Value) => mul(...halves(x));

/** Areas that count the last pixels; of what is scaled by height_scale and width_scale the fork does not count them. */
function areaOf(param: P, boxes: Value): Value {
  const size = sub(upper(boxes), lower(boxes));
  const isNone = or(...halves(greater(constant(0), size)));
  return where(isNone, constant(0), product(add(size, constant(scaleOf(param) ? 0 : 1))));
}

/** Height and width that boxes are parts of, where those are not the image's. */
function scaleOf(param: P): readonly [height: number, width: number] | undefined {
  if (!has(param, "resize_param")) return undefined;
  const { resize_mode: mode, height_scale: height, width_scale: width } = message(param, "resize_param");
  return mode === Resize.FIT_SMALL_SIZE && height > 0 && width > 0 ? [height, width] : undefined;
}

/** Corners in pixels [d, n, 4] of boxes that are parts of images [.., n, 4], by heights and widths [d, 1, 2]. */
function inPixels(param: P, boxes: Value, sizes: Value): Value {
  const [height, width] = halves(sizes);
  const all = concat([width, height, width, height], 2);
  const scale = scaleOf(param);
  if (scale) {
    const [y, x] = scale;
    return min(max(mul(boxes, constant(Float32Array.of(x, y, x, y), [1, 1, 4])), constant(0)), all);
  }
  const isInside =
    has(param, "resize_param") && message(param, "resize_param").resize_mode === Resize.FIT_LARGE_SIZE_AND_PAD;
  const parts = isInside ? withoutPads(message(param, "resize_param"), boxes, div(width, height)) : boxes;
  return mul(min(max(parts, constant(0)), constant(1)), all);
}

/** Boxes as parts of what images of some aspects [d, 1, 1] take of a padded one; those that do not meet it as they are. */
function withoutPads(size: { readonly height: number; readonly width: number }, boxes: Value, aspect: Value): Value {
  const wanted = constant(size.width / size.height);
  // The share of each side that the image takes.
  const [x, y] = [min(div(aspect, wanted), constant(1)), min(div(wanted, aspect), constant(1))];
  const share = concat([x, y], 2);
  const first = mul(sub(constant(1), share), constant(0.5));
  const moved = (corner: Value) => div(sub(corner, first), share);
  const last = sub(constant(1), first);
  const apart = or(
    or(...halves(greaterOrEqual(lower(boxes), last))),
    or(...halves(greaterOrEqual(first, upper(boxes)))),
  );
  return where(not(apart), concat([moved(lower(boxes)), moved(upper(boxes))], 2), boxes);
}
