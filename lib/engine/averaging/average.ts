import type { Layout, Slot } from "../../net/layout.js";

/** Weighted sums in a flat buffer, and where the sum of their weights is: BatchNorm's running blobs. */
export interface WeightedSums {
  readonly offset: number;
  readonly length: number;
  /** Index of the sum of the weights. */
  readonly divisor: number;
}

/** Floats that are summed at a time: their sums, in float64, stay in the nearest cache. */
const CHUNK = 4096;

/** The weighted sums among a net's parameters. */
export function weightedSums({ slots }: Layout): readonly WeightedSums[] {
  const all = [...slots.values()];
  const find = (layer: string, index: number) => all.find(({ parameter: p }) => p.layer === layer && p.index === index);
  return all.flatMap(({ parameter, offset, length }: Slot) => {
    const { divisor } = parameter.spec;
    return divisor === undefined ? [] : [{ offset, length, divisor: find(parameter.layer, divisor)!.offset }];
  });
}

/**
 * The mean of equally long vectors: out = (v0 + v1 + ...) / K, added in that order in float64, so that the same vectors give the
 * same bits. `out` may be one of them. Only [from, to) is read and written.
 */
export function mean(out: Float32Array, vectors: readonly Float32Array[], from = 0, to = out.length): void {
  const [first, ...others] = vectors as [Float32Array, ...Float32Array[]];
  if (others.length === 0) {
    if (first !== out) out.set(first.subarray(from, to), from);
    return;
  }
  if (others.length === 1) {
    meanOfTwo(out, first, others[0]!, from, to);
    return;
  }
  const sums = new Float64Array(CHUNK);
  const count = vectors.length;
  for (let start = from; start < to; start += CHUNK) {
    const n = Math.min(CHUNK, to - start);
    for (let i = 0; i < n; i++) sums[i] = first[start + i]!;
    for (const vector of others) for (let i = 0; i < n; i++) sums[i]! += vector[start + i]!;
    for (let i = 0; i < n; i++) out[start + i] = sums[i]! / count;
  }
}

/** Three times as fast as the loops for any number; four at a time, since the loop itself costs as much as the sums. */
function meanOfTwo(out: Float32Array, a: Float32Array, b: Float32Array, from: number, to: number): void {
  let i = from;
  for (; i + 3 < to; i += 4) {
    out[i] = (a[i]! + b[i]!) / 2;
    out[i + 1] = (a[i + 1]! + b[i + 1]!) / 2;
    out[i + 2] = (a[i + 2]! + b[i + 2]!) / 2;
    out[i + 3] = (a[i + 3]! + b[i + 3]!) / 2;
  }
  for (; i < to; i++) out[i] = (a[i]! + b[i]!) / 2;
}

/**
 * The mean of replicas' parameters. Of weighted sums it is the statistics that are averaged, sum / weight, and then multiplied by
 * the mean weight: replicas that saw different numbers of batches count alike. Those that saw none do not count.
 *
 * Of the replicas [from, to) and the weights of the sums are read, of `out` only [from, to) is written: pieces one by one, in any
 * order or in different places, give the bits of all at once. `out` may be one of the replicas where it is all at once.
 */
export function averageWeights(
  out: Float32Array,
  replicas: readonly Float32Array[],
  sums: readonly WeightedSums[],
  from = 0,
  to = out.length,
): void {
  const finish = replicas.length === 1 ? [] : sums.map((each) => meanStatistics(replicas, each, from, to));
  mean(out, replicas, from, to);
  for (const write of finish) write(out);
}

/** Computes the part in [from, to) of the mean of a weighted sum; the function writes it. */
function meanStatistics(
  replicas: readonly Float32Array[],
  { offset, length, divisor }: WeightedSums,
  from: number,
  to: number,
): (out: Float32Array) => void {
  const seen = replicas.filter((replica) => replica[divisor] !== 0);
  const start = Math.max(from, offset);
  const values = new Float64Array(Math.max(0, Math.min(to, offset + length) - start));
  let weight = 0;
  for (const replica of seen) {
    weight += replica[divisor]! / seen.length;
    for (let i = 0; i < values.length; i++) values[i]! += replica[start + i]! / replica[divisor]! / seen.length;
  }
  return (out) => {
    if (divisor >= from && divisor < to) out[divisor] = weight;
    for (let i = 0; i < values.length; i++) out[start + i] = values[i]! * weight;
  };
}

/**
 * One step of elastic averaging (EASGD) at the centre: c += alpha * (d_0 + d_1 + ...) with d_k = x_k - c, over the first `learnt`
 * floats. What follows them is each replica's own; the centre gets its mean. Only [from, to) is written, as by `averageWeights`.
 * Source: Zhang, Choromanska, LeCun, Deep learning with Elastic Averaging SGD, 2015, equations 5 and 6.
 */
export function moveCentre(
  centre: Float32Array,
  replicas: readonly Float32Array[],
  alpha: number,
  learnt: number,
  sums: readonly WeightedSums[],
  from = 0,
  to = centre.length,
): void {
  for (let i = from; i < Math.min(to, learnt); i++) {
    const c = centre[i]!;
    let pull = 0;
    for (const replica of replicas) pull += replica[i]! - c;
    centre[i] = c + alpha * pull;
  }
  if (to > learnt) averageWeights(centre, replicas, sums, Math.max(from, learnt), to);
}

/**
 * The same step at a replica: x -= alpha * (x - c) over the first `learnt` floats. `centre` is overwritten with x as it was before,
 * which is what the centre is moved by.
 */
export function drawTowards(own: Float32Array, centre: Float32Array, alpha: number, learnt: number): void {
  for (let i = 0; i < learnt; i++) {
    const x = own[i]!;
    own[i] = x - alpha * (x - centre[i]!);
    centre[i] = x;
  }
  centre.set(own.subarray(learnt), learnt);
}

/** The alpha of elastic averaging where none is asked for: 0.9 / K, the paper's choice. */
export const defaultAlpha = (workers: number): number => 0.9 / workers;
