import { type FillerParameter, FillerParameter_VarianceNorm as VarianceNorm } from "../caffe/messages.js";
import { NetrunError, nearest } from "../error.js";
import { count } from "../graph/index.js";
import type { Random } from "../random.js";

type Filler = (param: FillerParameter, shape: readonly number[], random: Random) => Float32Array;

/**
 * Caffe's fillers by name. Fan-in is count / shape[0], fan-out count / shape[1], both as Caffe counts them whatever the layer.
 * - constant: value; uniform: [min, max); gaussian: mean and std, of which `sparse` >= 0 leaves about that many inputs of an output non-zero
 * - xavier: uniform in +-sqrt(3/n); msra: gaussian of std sqrt(2/n); n is fan-in, fan-out or their mean (variance_norm)
 * - positive_unitball: uniform in [0, 1), each shape[0]-th of them scaled to sum 1
 * - bilinear: the kernel that upsamples by interpolation, for square [n, c, k, k]
 */
const fillers = {
  constant: (param, shape) => new Float32Array(count(shape)).fill(param.value),
  uniform: (param, shape, random) => values(shape, () => param.min + (param.max - param.min) * random.uniform()),
  gaussian: (param, shape, random) => {
    const result = values(shape, () => param.mean + param.std * random.normal());
    if (param.sparse >= 0) {
      // The chance of an entry to stay: `sparse` of the outputs' number, as Caffe has it.
      const keep = param.sparse / shape[0]!;
      for (let i = 0; i < result.length; i++) if (random.uniform() >= keep) result[i] = 0;
    }
    return result;
  },
  xavier: (param, shape, random) => {
    const scale = Math.sqrt(3 / fan(param, shape));
    return values(shape, () => scale * (2 * random.uniform() - 1));
  },
  msra: (param, shape, random) => {
    const std = Math.sqrt(2 / fan(param, shape));
    return values(shape, () => std * random.normal());
  },
  positive_unitball: (_, shape, random) => {
    const result = values(shape, () => random.uniform());
    const dim = result.length / shape[0]!;
    for (let start = 0; start < result.length; start += dim) {
      const part = result.subarray(start, start + dim);
      const sum = part.reduce((a, b) => a + b, 0);
      for (let i = 0; i < dim; i++) part[i]! /= sum;
    }
    return result;
  },
  bilinear: (_, shape) => {
    const [height, width] = shape.slice(-2) as [number, number];
    if (shape.length !== 4 || height !== width) {
      throw new NetrunError(`the bilinear filler fills [n, c, k, k], not [${shape}]`);
    }
    const f = Math.ceil(width / 2);
    const center = (2 * f - 1 - (f % 2)) / (2 * f);
    const weight = (i: number) => 1 - Math.abs(i / f - center);
    return Float32Array.from(
      { length: count(shape) },
      (_unused, i) => weight(i % width) * weight(Math.floor(i / width) % height),
    );
  },
} as const satisfies Readonly<Record<string, Filler>>;

/** Values for a blob. Throws NetrunError for an unknown filler, or one that the shape does not suit. */
export function fill(param: FillerParameter, shape: readonly number[], random: Random): Float32Array {
  const known: Readonly<Record<string, Filler>> = fillers;
  const filler = Object.hasOwn(known, param.type) ? known[param.type] : undefined;
  if (filler) return filler(param, shape, random);
  const near = nearest(param.type, Object.keys(fillers));
  throw new NetrunError(`unknown filler "${param.type}"`, {
    notes: [near ? `did you mean "${near}"?` : `fillers: ${Object.keys(fillers).join(", ")}`],
  });
}

const values = (shape: readonly number[], value: () => number) => Float32Array.from({ length: count(shape) }, value);

function fan(param: FillerParameter, shape: readonly number[]): number {
  const n = count(shape);
  const fanIn = n / shape[0]!;
  const fanOut = shape.length > 1 ? n / shape[1]! : n;
  switch (param.variance_norm) {
    case VarianceNorm.FAN_OUT:
      return fanOut;
    case VarianceNorm.AVERAGE:
      return (fanIn + fanOut) / 2;
    default:
      return fanIn;
  }
}
