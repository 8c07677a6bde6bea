import { has } from "../../caffe/message.js";
import type { CorrelationParameter } from "../../caffe/messages.js";
import { CorrelationParameter_CorrelationType as Kind } from "../../caffe/messages.js";
import { constant, sameShape, type Value } from "../../graph/index.js";
import { averagePool, concat, matMul, mul, pad, reshape, slice, transpose } from "../../ops/index.js";
import { bottomText, computeLayer, type Place, type Site } from "../layer.js";

/** Displacements of the second bottom against the first: from `first`, `count` of them, `step` apart. */
interface Displacements {
  readonly first: number;
  readonly count: number;
  readonly step: number;
}

/** Sides of the comparison. */
interface Grid {
  /** Zeros around height and width. */
  readonly pads: readonly [number, number];
  /** Distance from the edges of the padded bottoms at which windows of the first bottom begin. */
  readonly margins: readonly [number, number];
  readonly rows: Displacements;
  readonly columns: Displacements;
}

const AT_PLACE: Displacements = { first: 0, count: 1, step: 1 };

/**
 * Correlation (FlowNet): for each displacement (p, o) of a neighbourhood, in multiples of stride_2 up to max_displacement, the mean
 * over channels and a kernel_size x kernel_size window of a(y, x) * b(y + p, x + o), at places stride_1 apart.
 * a, b [n, c, h, w], padded by `pad`; y [n, displacements, h', w'], displacements row by row.
 */
export const Correlation = computeLayer({
  type: "Correlation",
  param: "correlation_param",
  bottoms: 2,
  tops: 1,
  lower(site) {
    const { pad: around, max_displacement: most, stride_2: step } = checked(site);
    const radius = Math.floor(most / step);
    const all = { first: -radius * step, count: 2 * radius + 1, step };
    return { tops: [correlate(site, { pads: [around, around], margins: [most, most], rows: all, columns: all })] };
  },
});

/**
 * Correlation1D (DispNet): Correlation along rows alone; `pad` and the margin of max_displacement are those of columns. With
 * `single_direction` -1 or 1 displacements only go to the left, or to the right.
 */
export const Correlation1D = computeLayer({
  type: "Correlation1D",
  param: "correlation_param",
  bottoms: 2,
  tops: 1,
  lower(site) {
    const { pad: around, max_displacement: most, stride_2: step, single_direction: direction } = checked(site);
    const radius = Math.floor(most / step);
    const count = direction === 0 ? 2 * radius + 1 : radius + 1;
    const first = (direction === 1 ? 0 : direction === 0 ? -radius : -count) * step;
    const columns = { first, count, step };
    return { tops: [correlate(site, { pads: [0, around], margins: [0, most], rows: AT_PLACE, columns })] };
  },
});

function checked(place: Place<CorrelationParameter>): CorrelationParameter {
  const { param } = place;
  const [a, b] = place.bottoms as [Value, Value];
  if (!sameShape(a.type.shape, b.type.shape) || a.type.shape.length !== 4)
    throw place.bottomError(1, `${bottomText(place, 1)} and ${bottomText(place, 0)} are not of one shape of 4 axes`);
  for (const field of ["kernel_size", "max_displacement"] as const)
    if (!has(param, field)) throw place.error(`${field} is missing`, undefined, [`write ${field}: N`]);
  if (param.kernel_size % 2 === 0) throw place.error(`kernel_size ${param.kernel_size} is not odd`, "kernel_size");
  for (const field of ["stride_1", "stride_2"] as const)
    if (param[field] === 0) throw place.error(`${field} must be greater than 0`, field);
  if (param.correlation_type === Kind.SUBTRACT)
    throw place.error("only products are supported, not differences", "correlation_type");
  return param;
}

/**
 * One matrix product for each displacement of rows: at every row all columns of `a` with all of `b`, whose products at one
 * displacement are a diagonal. Diagonals become columns by reading the matrix with rows that are one longer.
 */
function correlate(site: Site<CorrelationParameter>, { pads, margins, rows, columns }: Grid): Value {
  const { kernel_size: k, stride_1: stride } = site.param;
  const [n, c, ...size] = site.bottoms[0]!.type.shape as [number, number, number, number];
  const [tops, spans] = [[], []] as [number[], number[]];
  for (const i of [0, 1] as const) {
    const room = size[i]! + 2 * pads[i] - 2 * margins[i] - (k - 1);
    tops[i] = Math.ceil(room / stride);
    if (tops[i]! < 1)
      throw site.error("kernel and displacements do not fit into the padded bottoms", "max_displacement");
    spans[i] = (tops[i]! - 1) * stride + k;
  }
  const [height, width] = spans as [number, number];
  const padded = (x: Value) =>
    pad(x, [
      [0, 0],
      [0, 0],
      [pads[0], pads[0]],
      [pads[1], pads[1]],
    ]);
  const part = (x: Value, axis: number, from: number, length: number) => {
    // Displacements to the left alone begin one further out than max_displacement.
    const [before, after] = [Math.max(0, -from), Math.max(0, from + length - x.type.shape[axis]!)];
    const room = pad(
      x,
      x.type.shape.map((_, i) => (i === axis ? [before, after] : [0, 0])),
    );
    return slice(room, axis, from + before, from + before + length);
  };
  const [a, b] = site.bottoms.map(padded) as [Value, Value];
  const own = part(part(a, 2, margins[0], height), 3, margins[1], width);
  const reach = width + (columns.count - 1) * columns.step;
  const other = part(b, 3, margins[1] + columns.first, reach);
  const left = transpose(own, [0, 2, 3, 1]);
  const products = Array.from({ length: rows.count }, (_, i) => {
    const shifted = part(other, 2, margins[0] + rows.first + i * rows.step, height);
    const pairs = reshape(matMul(left, transpose(shifted, [0, 2, 1, 3])), [n, height, width * reach]);
    const longer = reshape(
      pad(pairs, [
        [0, 0],
        [0, 0],
        [0, width],
      ]),
      [n, height, width, reach + 1],
    );
    return slice(longer, 3, 0, (columns.count - 1) * columns.step + 1, columns.step);
  });
  const planes = transpose(concat(products, 3), [0, 3, 1, 2]);
  const windows =
    k > 1
      ? averagePool(planes, {
          kernel: [k, k],
          strides: [stride, stride],
          pads: [
            [0, 0],
            [0, 0],
          ],
        })
      : slice(slice(planes, 2, 0, height, stride), 3, 0, width, stride);
  return mul(windows, constant(1 / c));
}
