/** Score of a run at an iteration. */
export interface TrialResult {
  readonly iteration: number;
  /** The metric's value; undefined where the training stopped on a number that is not finite, or failed. */
  readonly score: number | undefined;
  /** True if it was stopped there as hopeless. */
  readonly stopped?: boolean | undefined;
}

/** Next task: train a run on to an iteration. */
export interface Job {
  /** Index of the run. */
  readonly trial: number;
  readonly until: number;
}

/** Allocation of iterations to runs. */
export interface Halving {
  /** Iterations of all runs; with `first` the most that one gets. */
  readonly iterations: number;
  /** Iterations after which runs are first compared; undefined: every run gets all. */
  readonly first?: number | undefined;
  /** One of so many goes on from each comparison. Default 3. */
  readonly reduction?: number | undefined;
  readonly direction: "min" | "max";
}

/**
 * Next run to train, and its iterations, by asynchronous successive halving (ASHA): a run whose score is in the best part of those that came
 * as far goes on, else a new one begins, so that no run waits for the others. Source: Li et al., A System for Massively Parallel
 * Hyperparameter Tuning, 2018.
 */
export class HalvingSchedule {
  readonly #trials: number;
  readonly #rungs: readonly number[];
  readonly #reduction: number;
  readonly #sign: number;
  /** Scores by rung and run; those that failed are worst. */
  readonly #scores: Map<number, number>[];
  readonly #promoted: Set<number>[];
  readonly #begun = new Set<number>();
  /** The rest of parts that an earlier sweep's time limit cut short. */
  readonly #unfinished: Job[] = [];
  #running = 0;

  constructor(trials: number, { iterations, first, reduction = 3, direction }: Halving) {
    this.#trials = trials;
    this.#reduction = reduction;
    this.#sign = direction === "max" ? 1 : -1;
    const rungs: number[] = [];
    for (let at = first ?? iterations; at < iterations; at *= reduction) rungs.push(Math.round(at));
    this.#rungs = [...rungs, iterations];
    this.#scores = this.#rungs.map(() => new Map());
    this.#promoted = this.#rungs.map(() => new Set());
  }

  /** The next job; "wait" where it depends on what runs now, undefined where the sweep is over. */
  next(): Job | "wait" | undefined {
    const job =
      this.#unfinished.shift() ??
      this.#promotion(false) ??
      this.#start() ??
      (this.#running > 0 ? undefined : this.#promotion(true));
    if (job) {
      this.#running++;
      return job;
    }
    return this.#running > 0 ? "wait" : undefined;
  }

  /** Takes what a job came to. */
  done({ trial, until }: Job, score: number | undefined): void {
    this.#running--;
    this.#record(trial, until, score);
  }

  /** Takes what a run came to in an earlier part of the sweep. */
  restore(trial: number, results: readonly TrialResult[]): void {
    this.#begun.add(trial);
    for (const { iteration, score } of results) this.#record(trial, iteration, score);
    const last = results.at(-1);
    if (!last) return;
    for (const [rung, iteration] of this.#rungs.entries())
      if (iteration < last.iteration) this.#promoted[rung]!.add(trial);
    const until = this.#rungs.find((iteration) => iteration >= last.iteration);
    if (until !== undefined && until > last.iteration && last.score !== undefined && !last.stopped)
      this.#unfinished.push({ trial, until });
  }

  #record(trial: number, iteration: number, score: number | undefined): void {
    const rung = this.#rungs.indexOf(iteration);
    const value = score === undefined || Number.isNaN(score) ? Number.NEGATIVE_INFINITY : this.#sign * score;
    if (rung >= 0) this.#scores[rung]!.set(trial, value);
  }

  #start(): Job | undefined {
    for (let trial = 0; trial < this.#trials; trial++) {
      if (this.#begun.has(trial)) continue;
      this.#begun.add(trial);
      return { trial, until: this.#rungs[0]! };
    }
    return undefined;
  }

  /** The best run that may go on from the highest rung; at the end one does anyhow, until one has had all iterations. */
  #promotion(isLast: boolean): Job | undefined {
    if (isLast && [...this.#scores.at(-1)!.values()].some(Number.isFinite)) return undefined;
    for (let rung = this.#rungs.length - 2; rung >= 0; rung--) {
      const scores = [...this.#scores[rung]!].filter(([, score]) => score > Number.NEGATIVE_INFINITY);
      const most = isLast ? scores.length : Math.floor(this.#scores[rung]!.size / this.#reduction);
      const best = scores.sort(([a, one], [b, other]) => other - one || a - b).slice(0, most);
      const free = best.find(([trial]) => !this.#promoted[rung]!.has(trial));
      if (!free) continue;
      this.#promoted[rung]!.add(free[0]);
      return { trial: free[0], until: this.#rungs[rung + 1]! };
    }
    return undefined;
  }
}
