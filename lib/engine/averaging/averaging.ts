import { PIECE, piecesOf, type Vector } from "../vector.js";
import { averageWeights, defaultAlpha, mean, moveCentre, type SummedWeights, type WeightedSums } from "./average.js";

/** Averaging of replicas after a round. */
export interface AveragingOptions {
  /** All go on from the mean, or each from its own weights, drawn towards a centre (EASGD). Default mean. */
  readonly averaging?: "mean" | "elastic" | undefined;
  /** Strength of elastic averaging. Default 0.9 / replicas. */
  readonly alpha?: number | undefined;
  /** True if the solver's history is averaged too; else it stays with its replica. */
  readonly averageHistory?: boolean | undefined;
}

/** Facts of the parameters for averaging: how many training changes, and which are weighted sums. */
export interface AveragedLayout {
  readonly trainable: number;
  readonly sums: readonly WeightedSums[];
}

/** An averaging of replicas: what it does to the common weights, and what replicas keep of their own. */
export interface Averaging {
  /** Elastic averaging's alpha, where each replica keeps parameters of its own. */
  readonly alpha: number | undefined;
  /** True if all replicas go on from the mean history. */
  readonly sharesHistory: boolean;
  /**
   * The average of the replicas after one round, for pieces in any order. Any division into pieces gives the same bits. `divisors`
   * are the sums of weights of `layout.sums` at each replica: a piece may hold a weighted sum without them.
   */
  round(layout: AveragedLayout, divisors: SummedWeights["divisors"]): AveragePiece;
}

/**
 * Averages a piece of the parameters: the replicas' `pieces` of it, which begin at float `from`, into `out`, which has those of the
 * common weights that the round started from.
 */
export type AveragePiece = (out: Float32Array, from: number, pieces: readonly Float32Array[]) => void;

/** The averaging that options ask for. */
export function averagingOf(options: AveragingOptions, replicas: number): Averaging {
  const { averaging = "mean", averageHistory: sharesHistory = false, alpha = defaultAlpha(replicas) } = options;
  if (averaging === "mean") {
    return {
      alpha: undefined,
      sharesHistory,
      round:
        ({ sums }, divisors) =>
        (out, from, pieces) =>
          averageWeights(out, from, pieces, { sums, divisors }),
    };
  }
  return {
    alpha,
    sharesHistory,
    round: (layout, divisors) => (centre, from, pieces) =>
      moveCentre(centre, from, pieces, { alpha, ...layout, divisors }),
  };
}

/** Averages replicas' parameters into `weights`, piece by piece, wherever the replicas' are: one piece of each is in memory at a time. */
export function averageInto(
  weights: Float32Array,
  replicas: readonly Vector[],
  averaging: Averaging,
  layout: AveragedLayout,
): void {
  const divisors = replicas.map((replica) => layout.sums.map(({ divisor }) => replica.piece(divisor, divisor + 1)[0]!));
  const average = averaging.round(layout, divisors);
  for (const [from, to] of piecesOf(weights.length)) {
    const pieces = replicas.map((replica) => replica.piece(from, to));
    average(weights.subarray(from, to), from, pieces);
  }
}

/** The vector of a history, and where its pieces are written. */
export interface WritableVector extends Vector {
  write(values: Float32Array, from: number): void;
}

/** Replaces every replica's history by the mean of all, piece by piece. All are equally long. */
export function shareHistory(histories: readonly WritableVector[]): void {
  const { length } = histories[0]!;
  const out = new Float32Array(Math.min(PIECE, length));
  for (const [from, to] of piecesOf(length)) {
    const pieces = histories.map((history) => history.piece(from, to));
    const piece = out.subarray(0, to - from);
    mean(piece, pieces);
    for (const history of histories) history.write(piece, from);
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
