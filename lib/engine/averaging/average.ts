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
 * same bits. `out` may be one of them.
 */
export function mean(out: Float32Array, vectors: readonly Float32Array[]): void {
  const [first, ...others] = vectors as [Float32Array, ...Float32Array[]];
  if (others.length === 0) {
    if (first !== out) out.set(first);
    return;
  }
  const [second, third, fourth] = others as [Float32Array, ...Float32Array[]];
  if (vectors.length === 2) meanOfTwo(out, first, second);
  else if (vectors.length === 4) meanOfFour(out, first, second, third!, fourth!);
  else meanOfMany(out, vectors);
}

/** Two vectors at a time: each pass over the sums costs as much as an addition. */
function meanOfMany(out: Float32Array, vectors: readonly Float32Array[]): void {
  const sums = new Float64Array(Math.min(CHUNK, out.length));
  const count = vectors.length;
  for (let start = 0; start < out.length; start += CHUNK) {
    const n = Math.min(CHUNK, out.length - start);
    const first = vectors[0]!;
    for (let i = 0; i < n; i++) sums[i] = first[start + i]!;
    for (let k = 1; k + 1 < count; k += 2) {
      const a = vectors[k]!;
      const b = vectors[k + 1]!;
      for (let i = 0; i < n; i++) sums[i] = sums[i]! + a[start + i]! + b[start + i]!;
    }
    const last = vectors[count - 1]!;
    if (count % 2 === 0) for (let i = 0; i < n; i++) sums[i]! += last[start + i]!;
    for (let i = 0; i < n; i++) out[start + i] = sums[i]! / count;
  }
}

/** Three times as fast as the loops for any number; four at a time, since the loop itself costs as much as the sums. */
function meanOfTwo(out: Float32Array, a: Float32Array, b: Float32Array): void {
  const end = out.length;
  let i = 0;
  for (; i + 3 < end; i += 4) {
    out[i] = (a[i]! + b[i]!) / 2;
    out[i + 1] = (a[i + 1]! + b[i + 1]!) / 2;
    out[i + 2] = (a[i + 2]! + b[i + 2]!) / 2;
    out[i + 3] = (a[i + 3]! + b[i + 3]!) / 2;
  }
  for (; i < end; i++) out[i] = (a[i]! + b[i]!) / 2;
}

/** Six times as fast as the loops for any number: the sums stay in registers. */
function meanOfFour(out: Float32Array, a: Float32Array, b: Float32Array, c: Float32Array, d: Float32Array): void {
  const end = out.length;
  let i = 0;
  for (; i + 3 < end; i += 4) {
    out[i] = (a[i]! + b[i]! + c[i]! + d[i]!) / 4;
    out[i + 1] = (a[i + 1]! + b[i + 1]! + c[i + 1]! + d[i + 1]!) / 4;
    out[i + 2] = (a[i + 2]! + b[i + 2]! + c[i + 2]! + d[i + 2]!) / 4;
    out[i + 3] = (a[i + 3]! + b[i + 3]! + c[i + 3]! + d[i + 3]!) / 4;
  }
  for (; i < end; i++) out[i] = (a[i]! + b[i]! + c[i]! + d[i]!) / 4;
}

/** The weighted sums of a net, and the sum of the weights of each at every replica: `divisors[k][i]` is replica k's of `sums[i]`. */
export interface SummedWeights {
  readonly sums: readonly WeightedSums[];
  readonly divisors: readonly (readonly number[])[];
}

/**
 * The mean of replicas' parameters, of the piece that begins at float `from`: `out` and the replicas' `pieces` are as long as it is.
 * Of weighted sums it is the statistics that are averaged, sum / weight, and then multiplied by the mean weight: replicas that saw
 * different numbers of batches count alike. Those that saw no batch do not count. `out` may be one of the pieces.
 */
export function averageWeights(
  out: Float32Array,
  from: number,
  pieces: readonly Float32Array[],
  { sums, divisors }: SummedWeights,
): void {
  const weighted = pieces.length === 1 ? [] : sums;
  const finish = weighted.map((each, i) => {
    const weights = divisors.map((of) => of[i]!);
    return meanStatistics(out, from, pieces, each, weights);
  });
  mean(out, pieces);
  for (const write of finish) write();
}

/** Computes what of the mean of a weighted sum lies in a piece; the function writes it. */
function meanStatistics(
  out: Float32Array,
  from: number,
  pieces: readonly Float32Array[],
  { offset, length, divisor }: WeightedSums,
  weights: readonly number[],
): () => void {
  const seen = pieces.flatMap((piece, k) => (weights[k] === 0 ? [] : [{ piece, of: weights[k]! }]));
  const start = Math.max(0, offset - from);
  const values = new Float64Array(Math.max(0, Math.min(out.length, offset + length - from) - start));
  let weight = 0;
  for (const { piece, of } of seen) {
    weight += of / seen.length;
    for (let i = 0; i < values.length; i++) values[i]! += piece[start + i]! / of / seen.length;
  }
  return () => {
    if (divisor >= from && divisor < from + out.length) out[divisor - from] = weight;
    for (let i = 0; i < values.length; i++) out[start + i] = values[i]! * weight;
  };
}

/**
 * One step of elastic averaging (EASGD) at the centre: c += alpha * (d_0 + d_1 + ...) with d_k = x_k - c, over the first `trainable`
 * floats. What follows them is each replica's own; the centre gets its mean. Of the piece that begins at float `from`.
 * Source: Zhang, Choromanska, LeCun, Deep learning with Elastic Averaging SGD, 2015, equations 5 and 6.
 */
export function moveCentre(
  centre: Float32Array,
  from: number,
  pieces: readonly Float32Array[],
  { alpha, trainable, ...summed }: SummedWeights & { readonly alpha: number; readonly trainable: number },
): void {
  const end = Math.min(centre.length, Math.max(0, trainable - from));
  for (let i = 0; i < end; i++) {
    const c = centre[i]!;
    let pull = 0;
    for (const piece of pieces) pull += piece[i]! - c;
    centre[i] = c + alpha * pull;
  }
  if (end === centre.length) return;
  const rest = pieces.map((piece) => piece.subarray(end));
  averageWeights(centre.subarray(end), from + end, rest, summed);
}

/**
 * The same step at a replica: x -= alpha * (x - c) over the first `trainable` floats. `centre` is overwritten with x as it was before,
 * which is what the centre is moved by.
 */
export function drawTowards(own: Float32Array, centre: Float32Array, alpha: number, trainable: number): void {
  for (let i = 0; i < trainable; i++) {
    const x = own[i]!;
    own[i] = x - alpha * (x - centre[i]!);
    centre[i] = x;
  }
  centre.set(own.subarray(trainable), trainable);
}

/** The alpha of elastic averaging where none is asked for: 0.9 / K, the paper's choice. */
export const defaultAlpha = (workers: number): number => 0.9 / workers;
