import { random } from "../../random.js";

/**
 * Puts rows into parts by their number alone: of each block of neighbouring rows each part gets its share, which ones a seed says. So parts
 * have the sizes that they should, of sorted rows too, and nothing has to be known of the rows that follow.
 */
export class RowParts {
  readonly #seed: number;
  readonly #block: readonly number[];
  #kept: { readonly block: number; readonly parts: readonly number[] } | undefined;

  /** `block` says the part of each row of a block, before they are mixed. */
  constructor(block: readonly number[], seed: number) {
    this.#block = block;
    this.#seed = seed;
  }

  /** The part of a row. */
  of(row: number): number {
    const size = this.#block.length;
    const block = Math.floor(row / size);
    if (this.#kept?.block !== block) this.#kept = { block, parts: this.#mixed(block) };
    return this.#kept.parts[row - block * size]!;
  }

  #mixed(block: number): readonly number[] {
    const parts = [...this.#block];
    const draw = random(this.#seed, SPLIT, block);
    for (let i = parts.length - 1; i > 0; i--) {
      const other = draw.integer(i + 1);
      [parts[i], parts[other]] = [parts[other]!, parts[i]!];
    }
    return parts;
  }
}

/** The key of the streams that split rows. */
const SPLIT = 0x5f01d;

/** Rows in parts 0 to `count` - 1 of equal sizes. */
export const foldsOf = (count: number, seed: number): RowParts =>
  new RowParts(
    Array.from({ length: count }, (_, i) => i),
    seed,
  );

/** Seed of the folds of cross-validations: the same for all sweeps, so that settings are compared on the same rows. */
const FOLD_SEED = 1;

/** Folds of rows, for cross-validation. */
export const foldRows = (count: number): RowParts => foldsOf(count, FOLD_SEED);

/** The longest block that is tried for a share to be exact in it. */
const LONGEST = 100;

/** Rows in part 0 and, a share of them, part 1. */
export function heldOutOf(share: number, seed: number): RowParts {
  const lengths = Array.from({ length: LONGEST }, (_, i) => i + 1);
  const isExact = (length: number) => Math.abs(share * length - Math.round(share * length)) < 1e-9;
  const length = lengths.find(isExact) ?? LONGEST;
  const held = Math.round(share * length);
  return new RowParts(
    Array.from({ length }, (_, i) => (i < held ? 1 : 0)),
    seed,
  );
}
