import { refusedFork } from "../caffe/forks/index.js";
import { type FillerParameter, FillerParameter_VarianceNorm as VarianceNorm } from "../caffe/messages.js";
import { NetrunError, nearest } from "../error.js";
import { count } from "../graph/index.js";
import type { Random } from "../random.js";
import { unknownFields } from "../text/notes.js";

/** Writes a blob's values into `target`, which has as many floats as the shape. */
type Filler = (target: Float32Array, param: FillerParameter, shape: readonly number[], random: Random) => void;

/**
 * Caffe's fillers by name. Fan-in is count / shape[0], fan-out count / shape[1], both as Caffe counts them whatever the layer.
 * - constant: value; uniform: [min, max); gaussian: mean and std, of which `sparse` >= 0 leaves about that many inputs of an output non-zero
 * - xavier: uniform in +-sqrt(3/n); msra: gaussian of std sqrt(2/n / (1 + alpha^2)), where alpha is a fork's; n is fan-in, fan-out or their mean (variance_norm)
 * - positive_unitball: uniform in [0, 1), each shape[0]-th of them scaled to sum 1
 * - bilinear: the kernel that upsamples by interpolation, for square [n, c, k, k]
 */
const fillers = {
  constant: (target, param) => target.fill(param.value),
  uniform: (target, { min, max }, _, random) => {
    for (let i = 0; i < target.length; i++) target[i] = min + (max - min) * random.uniform();
  },
  gaussian: (target, { mean, std, sparse }, shape, random) => {
    random.fillNormal(target, mean, std);
    if (sparse < 0) return;
    // The chance of an entry to stay: `sparse` of the outputs' number, as Caffe has it.
    const keep = sparse / shape[0]!;
    for (let i = 0; i < target.length; i++) if (random.uniform() >= keep) target[i] = 0;
  },
  xavier: (target, param, shape, random) => {
    const scale = Math.sqrt(3 / fan(param, shape));
    for (let i = 0; i < target.length; i++) target[i] = scale * (2 * random.uniform() - 1);
  },
  msra: (target, param, shape, random) =>
    random.fillNormal(target, 0, Math.sqrt(2 / fan(param, shape) / (1 + param.alpha * param.alpha))),
  positive_unitball: (target, _, shape, random) => {
    random.fill(target);
    const dim = target.length / shape[0]!;
    for (let start = 0; start < target.length; start += dim) {
      const part = target.subarray(start, start + dim);
      const sum = part.reduce((a, b) => a + b, 0);
      for (let i = 0; i < dim; i++) part[i]! /= sum;
    }
  },
  bilinear: (target, _, shape) => {
    const width = shape.at(-1)!;
    const f = Math.ceil(width / 2);
    const center = (2 * f - 1 - (f % 2)) / (2 * f);
    const weight = (i: number) => 1 - Math.abs(i / f - center);
    for (let i = 0; i < target.length; i++) target[i] = weight(i % width) * weight(Math.floor(i / width) % width);
  },
} as const satisfies Readonly<Record<string, Filler>>;

/** Values for a blob, in `target` if it is given, which has as many floats as the shape. Throws as `checkFiller`. */
export function fill(
  param: FillerParameter,
  shape: readonly number[],
  random: Random,
  target: Float32Array = new Float32Array(count(shape)),
): Float32Array {
  const refused = unknownFields(param).length > 0 ? refusedFork(param, "") : undefined;
  if (refused) throw refused;
  checkFiller(param, shape);
  fillers[nameOf(param.type) as keyof typeof fillers](target, param, shape, random);
  return target;
}

/** NVIDIA's static fillers, which draw numbers once and write them into each blob again, are the plain ones here. */
function nameOf(type: string): string {
  const plain = type.replace(/static$/, "");
  return Object.hasOwn(fillers, plain) ? plain : type;
}

/** Throws NetrunError for an unknown filler, or one that the shape does not suit. */
export function checkFiller({ type: given }: FillerParameter, shape: readonly number[]): void {
  const type = nameOf(given);
  if (!Object.hasOwn(fillers, type)) {
    const near = nearest(type, Object.keys(fillers));
    throw new NetrunError(`unknown filler "${type}"`, {
      notes: [near ? `did you mean "${near}"?` : `fillers: ${Object.keys(fillers).join(", ")}`],
    });
  }
  const [height, width] = shape.slice(-2);
  if (type === "bilinear" && (shape.length !== 4 || height !== width))
    throw new NetrunError(`the bilinear filler fills [n, c, k, k], not [${shape}]`);
}

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
