import { type ResampleParameter, ResampleParameter_ResampleType as Type } from "../../caffe/messages.js";
import { constant } from "../../graph/index.js";
import { matMul } from "../../ops/index.js";
import { bottomText, computeLayer, type Place } from "../layer.js";

/**
 * Resample (FlowNet): x [n, c, h, w] to the height and width of the second bottom, or of `resample_param`, by the nearest entry or a
 * triangle or cubic filter, which `antialias` widens where the size shrinks. Weights are normalised within the image.
 * The fork adds half of a row's step to columns, and of a column's to rows; so does this. The fork has no gradient.
 */
export const Resample = computeLayer({
  type: "Resample",
  param: "resample_param",
  bottoms: [1, 2],
  tops: 1,
  lower(site) {
    const x = site.bottoms[0]!;
    if (x.type.shape.length !== 4) throw site.bottomError(0, `${bottomText(site, 0)} does not have 4 axes`);
    const from = x.type.shape.slice(2) as [number, number];
    const to = sizeOf(site);
    const steps = from.map((size, i) => Math.fround(size / to[i]!)) as [number, number];
    const [rows, columns] = [0, 1].map((i) => weights(site, { from: from[i]!, to: to[i]!, steps, axis: i })) as [
      Float32Array,
      Float32Array,
    ];
    const transposed = new Float32Array(columns.length);
    columns.forEach((weight, i) => {
      transposed[(i % from[1]) * to[1] + Math.floor(i / from[1])] = weight;
    });
    return { tops: [matMul(matMul(constant(rows, [to[0], from[0]]), x), constant(transposed, [from[1], to[1]]))] };
  },
});

function sizeOf(place: Place<ResampleParameter>): readonly [number, number] {
  const second = place.bottoms[1]?.type.shape;
  const [height, width] = second ? second.slice(2) : [place.param.height, place.param.width];
  if (!height || !width) throw place.error("give height and width, or a second bottom of that size", "resample_param");
  return [height, width];
}

interface Axis {
  readonly from: number;
  readonly to: number;
  /** Entries of the bottom per entry of the top, of both axes. */
  readonly steps: readonly [number, number];
  readonly axis: number;
}

/** Weights [to, from] of the entries of an axis, row by row. */
function weights({ param, error }: Place<ResampleParameter>, { from, to, steps, axis }: Axis): Float32Array {
  const matrix = new Float32Array(to * from);
  const step = steps[axis]!;
  const { filter, width } = filterOf(param.type) ?? {};
  if (param.type !== Type.NEAREST && !filter)
    throw error("only NEAREST, LINEAR and CUBIC resampling is supported", "type");
  const narrow = param.antialias && steps.some((s) => s > 1) ? 1 / step : 1;
  for (let i = 0; i < to; i++) {
    const centre = Math.fround(i * step + steps[1 - axis]! / 2 - 0.5);
    const nearest = Math.sign(centre) * Math.floor(Math.abs(centre) + 0.5);
    if (!filter) {
      matrix[i * from + Math.min(from - 1, Math.max(0, nearest))] = 1;
      continue;
    }
    const reach = step < 1 ? 2 : Math.ceil(width! / narrow);
    const taps: (readonly [number, number])[] = [];
    for (let j = Math.max(0, nearest - reach); j <= Math.min(from - 1, nearest + reach); j++)
      taps.push([j, filter(narrow * (centre - j))]);
    const sum = taps.reduce((total, [, weight]) => total + weight, 0);
    for (const [j, weight] of taps) matrix[i * from + j] = sum === 0 ? 0 : weight / sum;
  }
  return matrix;
}

/** A filter by the distance from its centre, and how far the fork looks. */
function filterOf(type: Type): { readonly filter: (x: number) => number; readonly width: number } | undefined {
  switch (type) {
    case Type.LINEAR:
      return { filter: (x) => Math.max(0, 1 - Math.abs(x)), width: 2 };
    case Type.CUBIC:
      return { filter: (x) => cubic(Math.abs(x)), width: 4 };
    default:
      return undefined;
  }
}

function cubic(x: number): number {
  if (x <= 1) return x * x * (1.5 * x - 2.5) + 1;
  return x < 2 ? x * (x * (-0.5 * x + 2.5) - 4) + 2 : 0;
}
