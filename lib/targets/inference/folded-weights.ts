import type { Elements } from "../../graph/index.js";

/** y = scale * x + shift, a number for each channel (axis 1). */
export interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** Output channels of weights: runs of elements, each of one channel. */
export interface Runs {
  readonly length: number;
  channelOf(run: number): number;
}

/** Weights times their channels' factors, not computed yet. */
interface Recipe {
  readonly source: Float32Array;
  readonly runs: Runs;
  readonly scale: Float64Array;
}

interface Made {
  readonly numbers: readonly Float64Array[];
  readonly result: Float32Array;
}

/** From this many elements on weights are scaled when they are written, and not kept. */
const LARGE = 2 ** 14;

/**
 * Weights after folding. Large ones are stood for by another view of the weights that they come from, and computed
 * when they are written (`elements`): the weights of a large net are in memory once. The same net at another batch size asks for the same
 * again, and gets the same array.
 */
export class FoldedWeights {
  readonly #recipes = new Map<Elements, Recipe>();
  readonly #from: number;
  #room = new Float32Array(0);
  readonly #made = new Map<Elements, Made[]>();

  /** `putsOff` says whether large weights are computed when they are written, or at once. */
  constructor(putsOff = true) {
    this.#from = putsOff ? LARGE : Number.POSITIVE_INFINITY;
  }

  /** Weights times the factor of their channel; products are taken in double and rounded once, however often weights are scaled. */
  scaled(weights: Float32Array, runs: Runs, scale: Float64Array): Float32Array {
    return this.#once(weights, [scale], () => {
      const before = this.#recipes.get(weights);
      const source = before?.source ?? weights;
      const recipe = { source, runs, scale: before ? scale.map((s, i) => s * before.scale[i]!) : scale };
      if (source.length < this.#from) return computed(recipe, new Float32Array(source.length));
      const place = source.subarray();
      this.#recipes.set(place, recipe);
      return place;
    });
  }

  /** A bias after an affine map. `of` is what tells it from others: itself, or weights that had none. */
  shifted(bias: Float32Array, { scale, shift }: Affine, of: Float32Array): Float32Array {
    return this.#once(of, [scale, shift], () => bias.map((v, i) => v * scale[i]! + shift[i]!));
  }

  /** A constant's elements, computed now where that was put off: valid until the next call, which uses the memory again. */
  elements(data: Elements): Elements {
    const recipe = this.#recipes.get(data);
    if (!recipe) return data;
    const { length } = recipe.source;
    if (this.#room.length < length) this.#room = new Float32Array(length);
    return computed(recipe, this.#room.subarray(0, length));
  }

  #once(of: Elements, numbers: readonly Float64Array[], make: () => Float32Array): Float32Array {
    const known = this.#made.get(of) ?? [];
    const again = known.find(
      (each) => each.numbers.length === numbers.length && each.numbers.every((own, i) => equal(own, numbers[i]!)),
    );
    if (again) return again.result;
    const result = make();
    this.#made.set(of, [...known, { numbers, result }]);
    return result;
  }
}

const equal = (a: Float64Array, b: Float64Array) => a.length === b.length && a.every((x, i) => Object.is(x, b[i]));

/** One tight loop a run, since a large net has tens of millions of weights. */
function computed({ source, runs: { length, channelOf }, scale }: Recipe, result: Float32Array): Float32Array {
  for (let start = 0, run = 0; start < source.length; start += length, run++) {
    const factor = scale[channelOf(run)]!;
    for (let i = start; i < start + length; i++) result[i] = source[i]! * factor;
  }
  return result;
}
