/** A vector where it is: in this thread's memory, in memory that threads share, or in a file. It is read in pieces. */
export interface Vector {
  readonly length: number;
  /** Its values [from, to), which stand until the next piece is read. */
  piece(from: number, to: number): Float32Array;
}

/** Floats of a piece: those of several replicas together fit the cache that is nearest but one. */
export const PIECE = 2 ** 15;

/** The vector of an array. */
export const vectorOf = (values: Float32Array): Vector => ({
  length: values.length,
  piece: (from, to) => values.subarray(from, to),
});

/** The pieces of a vector of so many floats, in order. */
export function* piecesOf(length: number): Generator<readonly [from: number, to: number]> {
  for (let from = 0; from < length; from += PIECE) yield [from, Math.min(length, from + PIECE)];
}
