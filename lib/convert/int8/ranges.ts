import type { Affine8 } from "../../ops/quantize.js";

/** Halves of the histogram have so many bins each. */
const BINS = 2048;
/** Values of a batch that go into the histogram. */
const SAMPLES = 2 ** 17;
/** Part of the values that may lie beyond the range on each side: rare large ones would make the steps coarse for all others. */
const BEYOND = 1e-5;

/** The values that a blob has taken, as a histogram that widens as it has to. */
export class Observed {
  #low = 0;
  #high = 0;
  #count = 0;
  /** The histogram reaches from -limit to limit. */
  #limit = 0;
  #bins = new Float64Array(2 * BINS);

  add(values: Float32Array): void {
    let low = this.#low;
    let high = this.#high;
    for (const value of values) {
      if (value < low) low = value;
      else if (value > high) high = value;
    }
    [this.#low, this.#high] = [low, high];
    this.#widen(Math.max(-low, high));
    if (this.#limit === 0 || !Number.isFinite(this.#limit)) return;
    const factor = BINS / this.#limit;
    const bins = this.#bins;
    // Of large blobs some are enough; odd steps do not go down one column of an image.
    const step = values.length > SAMPLES ? Math.floor(values.length / SAMPLES) | 1 : 1;
    for (let i = 0; i < values.length; i += step)
      bins[Math.min(2 * BINS - 1, Math.floor(values[i]! * factor) + BINS)]!++;
    this.#count += Math.ceil(values.length / step);
  }

  /** Doubles the width until it covers a magnitude; two bins become one. */
  #widen(magnitude: number): void {
    if (this.#limit === 0) this.#limit = magnitude;
    if (!Number.isFinite(magnitude)) this.#limit = magnitude;
    while (this.#limit < magnitude) {
      const bins = new Float64Array(2 * BINS);
      this.#bins.forEach((n, i) => {
        bins[(i + BINS) >> 1]! += n;
      });
      this.#bins = bins;
      this.#limit *= 2;
    }
  }

  /** True if all values were finite numbers. */
  get isFinite(): boolean {
    return Number.isFinite(this.#limit) && !Number.isNaN(this.#low + this.#high);
  }

  /** The range that 8 bits are to cover: all but the rarest values on both sides, and 0. */
  range(): readonly [low: number, high: number] {
    const allowed = this.#count * BEYOND;
    const width = this.#limit / BINS;
    const negative = this.#bins.subarray(0, BINS);
    const first = countBelow(negative, allowed);
    const last = 2 * BINS - 1 - countBelow(this.#bins.slice(BINS).reverse(), allowed);
    return [Math.max(this.#low, (first - BINS) * width), Math.min(this.#high, (last + 1 - BINS) * width)];
  }

  /** The signal above the noise of rounding to 8 bits in this range, in decibels. */
  signalToNoise({ scale, zero }: Affine8): number {
    let signal = 0;
    let noise = (this.#count * scale * scale) / 12;
    const width = this.#limit / BINS;
    this.#bins.forEach((n, i) => {
      const value = (i + 0.5 - BINS) * width;
      const clipped = Math.min(Math.max(value, -zero * scale), (255 - zero) * scale);
      signal += n * value * value;
      noise += n * (value - clipped) ** 2;
    });
    return signal === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
  }
}

/** Number of bins from the first on hold no more than `allowed` values together. */
function countBelow(bins: Float64Array, allowed: number): number {
  let sum = 0;
  const at = bins.findIndex((n) => {
    sum += n;
    return sum > allowed;
  });
  return at < 0 ? bins.length : at;
}

/** uint8 numbers for a range that has 0 in it, which is exact. */
export function affineOf([low, high]: readonly [number, number]): Affine8 {
  const scale = Math.fround((high - low) / 255);
  return scale > 0 && Number.isFinite(scale) ? { scale, zero: Math.round(-low / scale) } : { scale: 1, zero: 0 };
}
