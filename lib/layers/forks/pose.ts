import { constant, type Value } from "../../graph/index.js";
import {
  add,
  and,
  cast,
  concat,
  div,
  expand,
  floor,
  gatherElements,
  greater,
  less,
  matMul,
  max,
  mul,
  pad,
  reduceSum,
  reshape,
  slice,
  sub,
  topK,
  transpose,
  where,
} from "../../ops/index.js";
import { bottomText, computeLayer, type Place } from "../layer.js";

/** Reach of the neighbourhood whose weighted mean is a peak's place. */
const REACH = 3;

function planes(place: Place<unknown>): readonly [number, number, number, number] {
  const { shape } = place.bottoms[0]!.type;
  if (shape.length !== 4) throw place.bottomError(0, `${bottomText(place, 0)} does not have 4 axes`);
  return shape as unknown as readonly [number, number, number, number];
}

/**
 * ImResize (OpenPose): the mean of maps of several scales x [n, c, h, w], enlarged by cubic interpolation to [1, c, th, tw], `factor`
 * times the size or the target's. Item i shows the image at start_scale - i scale_gap in the middle, and that part is enlarged.
 * Source: CMU-Perceptual-Computing-Lab/caffe_rtpose, imresize_layer.cu, which has no gradient.
 */
export const ImResize = computeLayer({
  type: "ImResize",
  param: "imresize_param",
  bottoms: 1,
  tops: 1,
  inferenceOnly: true,
  exact: true,
  lower(site) {
    const { factor, target_spatial_height, target_spatial_width, start_scale, scale_gap } = site.param;
    const [n, c, h, w] = planes(site);
    const target = [Math.trunc(h * factor), Math.trunc(w * factor)] as const;
    const [th, tw] = factor === 0 ? [target_spatial_height, target_spatial_width] : target;
    if (th <= 0 || tw <= 0) throw site.error(`the target of ${th} x ${tw} has no entries`, "factor");
    const parts = Array.from({ length: n }, (_, i) => {
      const missing = Math.fround(1 - start_scale + i * scale_gap);
      const cut = (size: number) => Math.floor(Math.fround(Math.floor(size / 2) * missing));
      const matrix = (size: number, to: number) => {
        if (cut(size) < 0 || size - 2 * cut(size) < 1)
          throw site.error(`nothing is left of item ${i} at that scale`, "scale_gap");
        return constant(cubic(size, cut(size), to), [to, size]);
      };
      const own = slice(site.bottoms[0]!, 0, i, i + 1);
      return matMul(matrix(h, th), matMul(own, transpose(matrix(w, tw), [1, 0])));
    });
    const mean = div(reduceSum(concat(parts, 0), [0], true), constant(n));
    return { tops: [reshape(mean, [1, c, th, tw])] };
  },
});

/** Weights [to, size] of cubic interpolation (a = -0.5) of the entries but `cut` at each side of an axis; beyond these the last is repeated. */
function cubic(size: number, cut: number, to: number): Float32Array {
  const inner = size - 2 * cut;
  const weights = new Float32Array(to * size);
  const offset = to / inner / 2 - 0.5;
  for (let i = 0; i < to; i++) {
    const place = (i - offset) * (inner / to);
    const second = Math.max(0, Math.trunc(place + 1e-5));
    const first = second - 1 < 0 ? second : second - 1;
    const third = second + 1 >= inner ? inner - 1 : second + 1;
    const fourth = third + 1 >= inner ? inner - 1 : third + 1;
    const d = place - second;
    const [square, cube] = [d * d, d * d * d];
    const each = [
      -0.5 * cube + square - 0.5 * d,
      1.5 * cube - 2.5 * square + 1,
      -1.5 * cube + 2 * square + 0.5 * d,
      0.5 * cube - 0.5 * square,
    ];
    [first, second, third, fourth].forEach((entry, k) => {
      weights[i * size + entry + cut]! += each[k]!;
    });
  }
  return weights;
}

/**
 * Nms (OpenPose): the peaks of each of the first `num_parts` maps of x [1, c, h, w]: entries above `threshold` and above all eight
 * neighbours, at least two from the first row and column and not in the last. Top [1, num_parts, max_peaks + 1, 3]: (number of
 * peaks, 0, 0), then (column, row, value) of the first max_peaks in row order, columns and rows being means of the 7 x 7 entries around
 * weighted by the positive ones; rows of 0 after them. Source: CMU-Perceptual-Computing-Lab/caffe_rtpose, nms_layer.cu.
 */
export const Nms = computeLayer({
  type: "Nms",
  param: "nms_param",
  bottoms: 1,
  tops: 1,
  inferenceOnly: true,
  exact: true,
  placesFrom: 0,
  lower(site) {
    const { num_parts: parts, max_peaks: peaks, threshold } = site.param;
    const [n, c, h, w] = planes(site);
    if (parts < 1 || parts > c)
      throw site.error(`there are ${parts} parts, and ${bottomText(site, 0)} has ${c} maps`, "num_parts");
    if (n !== 1 && parts !== c) throw site.error("of several items all maps are parts", "num_parts");
    if (peaks < 1 || peaks > h * w) throw site.error(`max_peaks is ${peaks}`, "max_peaks");
    const maps = reshape(slice(site.bottoms[0]!, 1, 0, parts), [n * parts, h, w]);
    const isPeak = peaksOf(maps, threshold);
    const flat = reshape(cast(isPeak, "float32"), [n * parts, h * w]);
    // The first in row order have the greatest keys.
    const keys = mul(flat, constant(falling(h * w), [1, h * w]));
    const { values, indices } = topK(keys, 1, peaks);
    const isFound = greater(values, constant(0));
    const place = cast(indices, "float32");
    const row = floor(div(add(place, constant(0.5)), constant(w)));
    const column = sub(place, mul(row, constant(w)));
    const score = gatherElements(reshape(maps, [n * parts, h * w]), indices, 1);
    const { x, y } = means(maps, row, column);
    const found = concat(
      [x, y, score].map((value) => reshape(where(isFound, value, constant(0)), [n * parts, peaks, 1])),
      2,
    );
    const number = reshape(reduceSum(flat, [1], true), [n * parts, 1, 1]);
    const first = concat([number, constant(0, [n * parts, 1, 2])], 2);
    return { tops: [reshape(concat([first, found], 1), [n, parts, peaks + 1, 3])] };
  },
});

const falling = (size: number) => Float32Array.from({ length: size }, (_, i) => size - i);

/** Bool [maps, h, w]. */
function peaksOf(maps: Value, threshold: number): Value {
  const [m, h, w] = maps.type.shape as [number, number, number];
  const padded = pad(maps, [
    [0, 0],
    [1, 1],
    [1, 1],
  ]);
  const shifted = (y: number, x: number) => slice(slice(padded, 1, 1 + y, 1 + y + h), 2, 1 + x, 1 + x + w);
  const around = [-1, 0, 1]
    .flatMap((y) => [-1, 0, 1].map((x) => [y, x] as const))
    .filter(([y, x]) => y !== 0 || x !== 0);
  const above = around.map(([y, x]) => greater(maps, shifted(y, x)));
  const isInner = Float32Array.from({ length: h * w }, (_, i) => {
    const [y, x] = [Math.floor(i / w), i % w];
    return Number(x > 1 && x < w - 1 && y > 1 && y < h - 1);
  });
  const inner = greater(expand(constant(isInner, [1, h, w]), [m, h, w]), constant(0));
  return [...above, inner].reduce(and, greater(maps, constant(threshold)));
}

/** Weighted means of columns and rows around peaks [maps, peaks]. The fork counts rows up to the width, and none of the first row and column. */
function means(maps: Value, row: Value, column: Value) {
  const [m, h, w] = maps.type.shape as [number, number, number];
  const peaks = row.type.shape[1]!;
  const side = 2 * REACH + 1;
  const offsets = (of: (i: number) => number) =>
    constant(
      Float32Array.from({ length: side * side }, (_, i) => of(i) - REACH),
      [1, 1, side * side],
    );
  const rows = add(
    reshape(row, [m, peaks, 1]),
    offsets((i) => Math.floor(i / side)),
  );
  const columns = add(
    reshape(column, [m, peaks, 1]),
    offsets((i) => i % side),
  );
  const within = (place: Value, size: number) => and(greater(place, constant(0)), less(place, constant(size)));
  const isInside = and(within(rows, Math.min(h, w)), within(columns, w));
  const flat = where(isInside, add(mul(rows, constant(w)), columns), constant(0));
  const around = [m, peaks * side * side];
  const read = gatherElements(reshape(maps, [m, h * w]), reshape(cast(flat, "int64"), around), 1);
  const positive = max(reshape(read, [m, peaks, side * side]), constant(0));
  const weights = where(isInside, positive, constant(0));
  const total = reduceSum(weights, [2]);
  const some = where(greater(total, constant(0)), total, constant(1));
  const mean = (of: Value) => div(reduceSum(mul(of, weights), [2]), some);
  return { x: mean(columns), y: mean(rows) };
}
