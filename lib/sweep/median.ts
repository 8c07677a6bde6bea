/** A score of a run's test, after so many iterations. */
export interface TestScore {
  readonly iteration: number;
  readonly score: number;
  readonly direction: "min" | "max";
}

/** Runs that others are compared with at least: the median of fewer says little. */
const LEAST_OTHERS = 3;

/**
 * The median rule: a run is hopeless if, at a test, its best score so far is worse than the median of the other runs' best scores
 * up to that iteration. Runs that have come as far count, whether they go on, are over or were stopped there.
 * Source: Golovin et al., Google Vizier: A Service for Black-Box Optimization, 2017, section 3.2.2.
 */
export class MedianRule {
  readonly #grace: number;
  /** Scores by fold ("" without folds) and run. */
  readonly #curves = new Map<string, Map<number, TestScore[]>>();

  /** @param grace Iterations that every run gets. */
  constructor(grace: number) {
    this.#grace = grace;
  }

  /** Takes a test's score into account; true if the run is hopeless. */
  isHopeless(trial: number, fold: number | undefined, test: TestScore): boolean {
    const curves = this.#add(trial, fold, test);
    if (test.iteration < this.#grace) return false;
    const others = [...curves].flatMap(([other, curve]) =>
      other !== trial && curve.at(-1)!.iteration >= test.iteration ? [bestOf(curve, test)] : [],
    );
    if (others.length < LEAST_OTHERS) return false;
    const own = bestOf(curves.get(trial)!, test);
    const median = medianOf(others);
    return test.direction === "max" ? own < median : own > median;
  }

  /** Takes the tests of an earlier part of the sweep. */
  restore(trial: number, fold: number | undefined, tests: readonly TestScore[]): void {
    for (const test of tests) this.#add(trial, fold, test);
  }

  #add(trial: number, fold: number | undefined, test: TestScore): Map<number, TestScore[]> {
    const key = String(fold ?? "");
    const curves = this.#curves.get(key) ?? new Map<number, TestScore[]>();
    this.#curves.set(key, curves);
    // A part that begins again tests the same iterations again.
    const before = (curves.get(trial) ?? []).filter(({ iteration }) => iteration < test.iteration);
    curves.set(trial, [...before, test]);
    return curves;
  }
}

/** The best of a run's finite scores up to a test's iteration; the worst possible where there is none. */
function bestOf(curve: readonly TestScore[], { iteration, direction }: TestScore): number {
  const scores = curve.filter((each) => each.iteration <= iteration && Number.isFinite(each.score));
  return direction === "max"
    ? scores.reduce((best, { score }) => Math.max(best, score), Number.NEGATIVE_INFINITY)
    : scores.reduce((best, { score }) => Math.min(best, score), Number.POSITIVE_INFINITY);
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
