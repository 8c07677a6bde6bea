import { type Constant, constantOf, count, type Value } from "../../../graph/index.js";
import { dequantizeAxis } from "../../../ops/quantize.js";

/**
 * Weights go from -64 to 64: products of pairs with activations up to 255 then fit the 16-bit sums of x86 processors without VNNI
 * (vpmaddubsw saturates), so that a file gives the same numbers everywhere.
 */
const MOST_WEIGHT = 64;
/** A bias stays below this, with room for the sum of products. */
const MOST_BIAS = 2 ** 30;

/** 8-bit weights, and their scale for each output channel. */
interface Stored {
  readonly weights: Int8Array;
  readonly bias: Int32Array | undefined;
  readonly scales: Float32Array;
  readonly zeros: Int8Array;
  readonly biasScales: Float32Array;
}

/** Weights in 8 bits, made once for all graphs of a net, and what they are called. */
export class Weights8 {
  readonly #made = new Map<string, Stored>();
  readonly #ids = new Map<unknown, number>();
  /** Names for initializers, by elements. */
  readonly names = new Map<unknown, string>();

  /** The weights (and bias) of a node as values: 8-bit constants with a scale for each entry along `axis`, and 32-bit ones. */
  dequantized(w: Value, b: Value | undefined, axis: number, scale: number, label: string): readonly Value[] {
    const weights = w.node.attrs as Constant;
    const bias = b && (b.node.attrs as Constant);
    const key = [this.#id(weights.data), this.#id(bias?.data), axis, scale].join();
    const made =
      this.#made.get(key) ??
      stored(weights.data as Float32Array, bias?.data as Float32Array | undefined, w.type.shape, axis, scale);
    this.#made.set(key, made);
    this.#name(made, label);
    const values = [dequantizeAxis(constantOf("int8", made.weights, w.type.shape), made.scales, axis, made.zeros)];
    if (b) values.push(dequantizeAxis(constantOf("int32", made.bias!, [made.bias!.length]), made.biasScales, 0));
    return values;
  }

  #name({ weights, bias, scales, zeros, biasScales }: Stored, label: string): void {
    if (label === "" || this.names.has(weights)) return;
    this.names.set(weights, `${label}/0`).set(scales, `${label}/0/scale`).set(zeros, `${label}/0/zero_point`);
    if (bias) this.names.set(bias, `${label}/1`).set(biasScales, `${label}/1/scale`);
  }

  #id(of: unknown): number {
    const id = this.#ids.get(of) ?? this.#ids.size;
    this.#ids.set(of, id);
    return id;
  }
}

function stored(
  weights: Float32Array,
  bias: Float32Array | undefined,
  shape: readonly number[],
  axis: number,
  xScale: number,
): Stored {
  const channels = shape[axis]!;
  const inner = count(shape, axis + 1);
  const channelOf = (i: number) => Math.floor(i / inner) % channels;
  const greatest = new Float64Array(channels);
  for (let i = 0; i < weights.length; i++) {
    const c = channelOf(i);
    const magnitude = Math.abs(weights[i]!);
    if (magnitude > greatest[c]!) greatest[c] = magnitude;
  }
  const scales = Float32Array.from(greatest, (most, c) => {
    const forBias = bias ? Math.abs(bias[c]!) / (xScale * MOST_BIAS) : 0;
    return Math.max(most / MOST_WEIGHT, forBias) || 1;
  });
  const biasScales = scales.map((scale) => scale * xScale);
  const rounded = new Int8Array(weights.length);
  for (let i = 0; i < weights.length; i++) rounded[i] = Math.round(weights[i]! / scales[channelOf(i)]!);
  return {
    weights: rounded,
    bias: bias && Int32Array.from(bias, (b, c) => Math.round(b / biasScales[c]!)),
    scales,
    zeros: new Int8Array(channels),
    biasScales,
  };
}
