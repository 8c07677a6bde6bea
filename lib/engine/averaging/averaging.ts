import { averageWeights, defaultAlpha, mean, moveCentre, type WeightedSums } from "./average.js";

/** How replicas are averaged after a round. */
export interface AveragingOptions {
  /** All go on from the mean, or each from its own weights, drawn towards a centre (EASGD). Default mean. */
  readonly averaging?: "mean" | "elastic" | undefined;
  /** How far elastic averaging draws. Default 0.9 / replicas. */
  readonly alpha?: number | undefined;
  /** Whether the solver's history is averaged too; else it stays with its replica. */
  readonly averageHistory?: boolean | undefined;
}

/** What averaging has to know of the parameters: how many training changes, and which are weighted sums. */
export interface AveragedLayout {
  readonly learnt: number;
  readonly sums: readonly WeightedSums[];
}

/** An averaging of replicas: what it does to the common weights, and what replicas keep of their own. */
export interface Averaging {
  /** Elastic averaging's alpha, where each replica keeps parameters of its own. */
  readonly alpha: number | undefined;
  /** Whether all replicas go on from the mean history. */
  readonly sharesHistory: boolean;
  /**
   * Writes the average of the replicas' weights after a round into `weights`, which the round started from: the piece [from, to),
   * by default all. Other floats are not written, and of replicas only the weights of weighted sums are read beside the piece. Any
   * division into pieces gives the same bits: each can be averaged where it is, once all replicas' parts of it are there.
   */
  average(
    weights: Float32Array,
    replicas: readonly Float32Array[],
    layout: AveragedLayout,
    from?: number,
    to?: number,
  ): void;
}

/** The averaging that options ask for. */
export function averagingOf(options: AveragingOptions, replicas: number): Averaging {
  const { averaging = "mean", averageHistory: sharesHistory = false, alpha = defaultAlpha(replicas) } = options;
  if (averaging === "mean") {
    return {
      alpha: undefined,
      sharesHistory,
      average: (weights, all, { sums }, from, to) => averageWeights(weights, all, sums, from, to),
    };
  }
  return {
    alpha,
    sharesHistory,
    average: (centre, all, { learnt, sums }, from, to) => moveCentre(centre, all, alpha, learnt, sums, from, to),
  };
}

/** Replaces every replica's history by the mean of all, slot by slot. */
export function shareHistory(histories: readonly (readonly Float32Array[])[]): void {
  const [first, ...others] = histories;
  for (const [slot, values] of first!.entries()) {
    mean(
      values,
      histories.map((each) => each[slot]!),
    );
    for (const other of others) other[slot]!.set(values);
  }
}

/** The mean of histories as new vectors of `lengths`; zeros where there are none. */
export function meanHistory(
  histories: readonly (readonly Float32Array[])[],
  lengths: readonly number[],
): readonly Float32Array[] {
  return lengths.map((length, slot) => {
    const out = new Float32Array(length);
    if (histories.length > 0) {
      mean(
        out,
        histories.map((each) => each[slot]!),
      );
    }
    return out;
  });
}
