import type { ReplicaState } from "./engine.js";

/** The part of a replica's state that is plain data. */
export type ReplicaPlace = Pick<ReplicaState, "positions" | "carries">;

/** The vectors of a replica's state in one order: the history, then, under elastic averaging, parameters of its own. */
export const vectorsOf = ({ history, weights }: ReplicaState): readonly Float32Array[] =>
  weights ? [...history, weights] : history;

/** The state of those vectors, of which the first `slots` are the history. */
export function stateOf(
  { positions, carries }: ReplicaPlace,
  vectors: readonly Float32Array[],
  slots: number,
): ReplicaState {
  const weights = vectors[slots];
  return { history: vectors.slice(0, slots), positions, carries, ...(weights && { weights }) };
}
