import type { Iterations } from "../../run/step.js";
import { PIECE, type Vector } from "../vector.js";

/** Pieces that are looked at, evenly spread over the parameters: a million of them tell how far replicas are apart. */
const MOST_PIECES = 32;

/**
 * Spread of replicas' parameters: the root of the mean of (w - m)^2 over replicas and parameters, m the replicas' mean.
 * Of many parameters 32 evenly spread pieces count. 0 for one replica.
 */
export function spreadOf(replicas: readonly Vector[]): number {
  const [first] = replicas;
  if (!first || replicas.length < 2) return 0;
  const pieces = Math.ceil(first.length / PIECE);
  const stride = Math.max(1, Math.ceil(pieces / MOST_PIECES));
  let squares = 0;
  let values = 0;
  for (let piece = 0; piece < pieces; piece += stride) {
    const from = piece * PIECE;
    const parts = replicas.map((replica) => replica.piece(from, Math.min(first.length, from + PIECE)));
    const { length } = parts[0]!;
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (const part of parts) sum += part[i]!;
      const mean = sum / parts.length;
      for (const part of parts) squares += (part[i]! - mean) ** 2;
    }
    values += length * parts.length;
  }
  return Math.sqrt(squares / values);
}

/** Tests whether a round has an iteration whose statistics are asked for. */
export function hasWatched({ iteration, rates, statistics = 0 }: Iterations): boolean {
  return statistics > 0 && Math.ceil(iteration / statistics) * statistics < iteration + rates.length;
}
