import { arange, constant, count, type Value } from "../../graph/index.js";
import {
  add,
  and,
  cast,
  expand,
  gatherElements,
  greater,
  greaterOrEqual,
  less,
  max,
  mul,
  neg,
  reduceMax,
  reshape,
  reverse,
  stopGradient,
  sub,
  transpose,
  where,
} from "../../ops/index.js";
import { bottomText, computeLayer, forbidInPlace, type Site } from "../layer.js";

/**
 * Reverse, in both meanings. With one bottom (OCR forks) the entries along `axis` in the opposite order. With two (caffe-action) a
 * marker [t, n] and x [t, n, ...]: each sequence of x in the opposite order, where it is. The marker is -length where a sequence
 * begins, 1 in it, and 0 after the last one of a stream; y is 0 there. The marker has no gradient.
 * Source: Lyp100208/Caffe_action, reverse_layer.cpp.
 */
export const Reverse = computeLayer({
  type: "Reverse",
  param: "reverse_param",
  bottoms: [1, 2],
  tops: 1,
  implies: ({ bottom }, shapeOf) => {
    const x = bottom.length > 1 ? shapeOf(1) : undefined;
    return new Map(x ? [[0, x.slice(0, 2)]] : []);
  },
  lower(site) {
    forbidInPlace(site);
    const x = site.bottoms[0]!;
    if (site.bottoms.length > 1) return { tops: [reverseSequences(site)] };
    const { axis } = site.param;
    if (x.type.shape[axis] === undefined)
      throw site.error(`axis ${axis} is out of range for a blob of ${x.type.shape.length} axes`, "axis");
    return { tops: [reverse(x, axis)] };
  },
});

/** x [t, n, ...], the second bottom, with the sequences that the first marks in the opposite order. */
function reverseSequences(site: Site<unknown>): Value {
  const [marker, x] = site.bottoms as [Value, Value];
  const [steps, streams] = x.type.shape as [number, number];
  if (x.type.shape.length < 2) throw site.bottomError(1, `${bottomText(site, 1)} is not [steps, streams, ...]`);
  if (count(marker.type.shape) !== steps * streams || marker.type.shape[0] !== steps)
    throw site.bottomError(
      0,
      `${bottomText(site, 0)} is not a marker for each step and stream of ${bottomText(site, 1)}`,
    );
  const marks = reshape(stopGradient(marker), [steps, streams]);
  const at = arange(steps, [steps, 1]);
  // The step that a step's sequence begins at: the last one not after it with a mark below 0, or -1.
  const begins = where(less(marks, constant(0)), at, constant(-1));
  const before = constant(
    Float32Array.from({ length: steps * steps }, (_, i) => Number(i % steps <= Math.floor(i / steps))),
    [steps, steps, 1],
  );
  const earlier = where(greater(before, constant(0)), reshape(begins, [1, steps, streams]), constant(-1));
  const start = reduceMax(earlier, [1]);
  const length = gatherElements(neg(marks), cast(max(start, constant(0)), "int64"), 0);
  const end = add(start, length);
  const source = sub(add(start, end), add(at, constant(1)));
  const isIn = and(greaterOrEqual(start, constant(0)), less(at, end));
  const places = cast(where(isIn, source, constant(0)), "int64");
  const rest = count(x.type.shape, 2);
  const turned = gatherElements(
    reshape(x, [steps, streams, rest]),
    expand(reshape(places, [steps, streams, 1]), [steps, streams, rest]),
    0,
  );
  return reshape(mul(turned, reshape(cast(isIn, "float32"), [steps, streams, 1])), x.type.shape);
}

/** Transpose (OCR forks): axis i of y is axis dim[i] of x. */
export const Transpose = computeLayer({
  type: "Transpose",
  param: "transpose_param",
  bottoms: 1,
  tops: 1,
  lower(site) {
    forbidInPlace(site);
    const x = site.bottoms[0]!;
    const { dim } = site.param;
    const axes = x.type.shape.map((_, axis) => axis);
    if ([...dim].sort((a, b) => a - b).join() !== axes.join())
      throw site.error(`dim ${dim.join(", ")} is not an order of the ${axes.length} axes`, "dim");
    return { tops: [transpose(x, dim)] };
  },
});
