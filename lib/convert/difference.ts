import type { Tensor } from "../data/tensor.js";
import { matchDetections } from "./detections.js";

/** Comparison of an output of the written file with the net. */
export interface Difference {
  readonly output: string;
  /** Largest difference, and the same as a part of the output's largest value. */
  readonly absolute: number;
  readonly relative: number;
  /** 10 log10 of the sum of squares over the sum of squared differences, in decibels; Infinity where nothing differs. */
  readonly signalToNoise: number;
  /** Of detections in less than single precision: how many there are, and how many only the net or only the file has. */
  readonly detections?: { readonly rows: number; readonly unmatched: number };
  readonly within: boolean;
}

/**
 * Tolerance of an output: the largest difference at most `absolute` plus `relative` of the largest value, or the signal
 * at least so many decibels above the noise; where both are given, either. `unmatched` is the part of detections that may be on one side
 * alone (a tenth where it is not given).
 */
export type Bound = (
  | { readonly absolute: number; readonly relative: number; readonly decibels?: number }
  | { readonly decibels: number }
) & { readonly unmatched?: number };

/** The part of detections that may be on one side alone where a bound does not say. */
const UNMATCHED = 0.1;

/** The differences of an output, gathered over batches. A wrong shape, or NaN on one side alone, is infinitely far. */
export class Differences {
  readonly #output: string;
  #absolute = 0;
  #greatest = 0;
  #signal = 0;
  #noise = 0;
  #detections: { rows: number; unmatched: number } | undefined;

  constructor(output: string) {
    this.#output = output;
  }

  /** The rows of a DetectionOutput, in whatever order. */
  addDetections(actual: Tensor, expected: Tensor): void {
    const matched = matchDetections(actual, expected);
    const { rows, unmatched } = this.#detections ?? { rows: 0, unmatched: 0 };
    this.#detections = { rows: rows + matched.rows, unmatched: unmatched + matched.unmatched };
    this.add(matched.actual, matched.expected);
  }

  add(actual: Tensor, expected: Tensor): void {
    if (actual.shape.join() !== expected.shape.join()) this.#absolute = Number.POSITIVE_INFINITY;
    const length = Math.min(actual.data.length, expected.data.length);
    for (let i = 0; i < length; i++) {
      const [a, b] = [actual.data[i]!, expected.data[i]!];
      if (Number.isFinite(b)) {
        this.#greatest = Math.max(this.#greatest, Math.abs(b));
        this.#signal += b * b;
      }
      if (Object.is(a, b) || a === b) continue;
      const difference = Math.abs(a - b);
      this.#absolute = Math.max(this.#absolute, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
      this.#noise += difference * difference;
    }
  }

  result(bound: Bound): Difference {
    const absolute = this.#absolute;
    const noise = Number.isNaN(this.#noise) || absolute === Number.POSITIVE_INFINITY ? Infinity : this.#noise;
    const signalToNoise = noise === 0 ? Infinity : 10 * Math.log10(this.#signal / noise);
    return {
      output: this.#output,
      absolute,
      relative: absolute === 0 ? 0 : absolute / this.#greatest,
      signalToNoise,
      ...(this.#detections && { detections: this.#detections }),
      within:
        (this.#detections === undefined ||
          this.#detections.unmatched <= (bound.unmatched ?? UNMATCHED) * this.#detections.rows) &&
        (("absolute" in bound && absolute <= bound.absolute + bound.relative * this.#greatest) ||
          (bound.decibels !== undefined && signalToNoise >= bound.decibels)),
    };
  }
}
