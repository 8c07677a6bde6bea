import type { Mean } from "../../caffe/mean.js";
import { NetrunError } from "../../error.js";

/** Storage of a row's values. */
export type Values = Uint8Array | Int32Array | Float32Array | Float64Array;

/**
 * y = (x - mean) * scale for `count` elements, `from` counting inside the row that starts at `values[at]`; all of one
 * channel. Rounds to float32 after each of the two steps, as Caffe does.
 */
export type Normalise = (
  values: Values,
  at: number,
  from: number,
  count: number,
  channel: number,
  out: Float32Array,
  to: number,
) => void;

/** Features that decide which loop runs. */
export interface NormaliseSpec {
  readonly scale: number;
  /** None, one for all channels, or one a channel. */
  readonly meanValues: readonly number[];
  readonly channels: number;
  readonly mean: Mean | undefined;
  readonly bytes: boolean;
}

/** The tightest loop for a mean and scale; throws a NetrunError where means and channels do not go together. */
export function normaliser(spec: NormaliseSpec): Normalise {
  const scale = Math.fround(spec.scale);
  if (spec.mean) return minusImage(spec.mean.data, scale);
  const { meanValues, channels } = spec;
  if (meanValues.length > 1 && meanValues.length !== channels)
    throw new NetrunError(`transform_param has ${meanValues.length} mean_value but the data ${channels} channels`, {
      notes: ["give one mean_value for all channels or one for each"],
    });
  if (meanValues.length === 0 && scale === 1) return copy;
  const means = Float32Array.from({ length: channels }, (_, c) => meanValues[c] ?? meanValues[0] ?? 0);
  return spec.bytes ? byTable(means, scale) : byChannel(means, scale);
}

const copy: Normalise = (values, at, from, count, _channel, out, to) => {
  // A typed array copies itself, converting, faster than a loop does.
  out.set(values.subarray(at + from, at + from + count), to);
};

/** Bytes have 256 values, so that a channel's results fit a table; four at a time, which V8 does not do by itself. */
function byTable(means: Float32Array, scale: number): Normalise {
  const tables = Array.from(means, (mean) =>
    Float32Array.from({ length: 256 }, (_, x) => Math.fround(x - mean) * scale),
  );
  return (values, at, from, count, channel, out, to) => {
    const table = tables[channel]!;
    const start = at + from;
    const fours = count - (count % 4);
    for (let i = 0; i < fours; i += 4) {
      const a = table[values[start + i]!]!;
      const b = table[values[start + i + 1]!]!;
      const c = table[values[start + i + 2]!]!;
      const d = table[values[start + i + 3]!]!;
      out[to + i] = a;
      out[to + i + 1] = b;
      out[to + i + 2] = c;
      out[to + i + 3] = d;
    }
    for (let i = fours; i < count; i++) out[to + i] = table[values[start + i]!]!;
  };
}

function byChannel(means: Float32Array, scale: number): Normalise {
  return (values, at, from, count, channel, out, to) => {
    const mean = means[channel]!;
    const start = at + from;
    for (let i = 0; i < count; i++) out[to + i] = Math.fround(Math.fround(values[start + i]!) - mean) * scale;
  };
}

function minusImage(mean: Float32Array, scale: number): Normalise {
  return (values, at, from, count, _channel, out, to) => {
    const start = at + from;
    for (let i = 0; i < count; i++)
      out[to + i] = Math.fround(Math.fround(values[start + i]!) - mean[from + i]!) * scale;
  };
}

/** Throws a NetrunError where a mean image does not fit rows of a shape, or mean values are given as well. */
export function checkMean(
  spec: { readonly meanValues: readonly number[]; readonly meanFile?: string | undefined },
  mean: Mean,
  shape: readonly number[],
): void {
  if (spec.meanValues.length > 0)
    throw new NetrunError("transform_param has both mean_file and mean_value", { notes: ["keep one of the two"] });
  if (mean.shape.length !== shape.length || mean.shape.some((dim, i) => dim !== shape[i]))
    throw new NetrunError(`the mean has the shape [${mean.shape}], the data [${shape}]`, { file: spec.meanFile });
}
