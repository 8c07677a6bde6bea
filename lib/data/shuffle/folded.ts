import type { RecordBatch } from "apache-arrow";
import { NetrunError } from "../../error.js";
import { foldRows, type RowParts } from "../source/row-parts.js";
import { type DataSource, type Shard, shardRange, WHOLE } from "../source/source.js";
import { RowStore } from "./row-store.js";

/** A part of a source for cross-validation: one of `count` folds, or all others. */
export interface Fold {
  readonly count: number;
  readonly index: number;
  /** True for the rows of the fold, false for those of the others. */
  readonly isHeld: boolean;
}

/**
 * The rows of a fold, or all others, in their order. Of each `count` neighbouring rows each fold has one, which one is drawn, so that folds of
 * sorted rows are alike. Throws NetrunError where the source has fewer rows than folds.
 */
export function foldedSource(source: DataSource, fold: Fold): DataSource {
  const rows = new FoldRows(source.length, fold);
  if (rows.length === 0 || source.length < fold.count)
    throw new NetrunError(`${source.length} rows do not make ${fold.count} folds`);
  // Parts and groups are of the whole source.
  const { parts: _, groups: __, ...rest } = source;
  return {
    ...rest,
    length: rows.length,
    batches: (shard, from, epoch) => batches(source, rows, shard, from ?? 0, epoch ?? 0),
    locate: (index, epoch) => source.locate(rows.at(index), epoch),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

async function* batches(
  source: DataSource,
  rows: FoldRows,
  shard: Shard,
  from: number,
  epoch: number,
): AsyncGenerator<RecordBatch> {
  const range = shardRange(shard, rows.length);
  let left = range.end - range.start - from;
  if (left <= 0) return;
  let at = rows.at(range.start + from);
  for await (const batch of source.batches(WHOLE, at, epoch)) {
    const store = new RowStore(source.labels);
    store.add(batch);
    const wanted: number[] = [];
    for (let i = 0; i < batch.numRows && wanted.length < left; i++) if (rows.has(at + i)) wanted.push(i);
    at += batch.numRows;
    left -= wanted.length;
    if (wanted.length > 0) yield* store.take(wanted);
    if (left === 0) return;
  }
}

/** Numbers of the rows of a fold, or of all others. */
class FoldRows {
  readonly length: number;
  readonly #parts: RowParts;
  readonly #fold: Fold;
  /** Rows of a block of `count`. */
  readonly #each: number;

  constructor(rows: number, fold: Fold) {
    this.#parts = foldRows(fold.count);
    this.#fold = fold;
    this.#each = fold.isHeld ? 1 : fold.count - 1;
    const blocks = Math.floor(rows / fold.count);
    let length = blocks * this.#each;
    for (let row = blocks * fold.count; row < rows; row++) if (this.has(row)) length++;
    this.length = length;
  }

  has(row: number): boolean {
    return (this.#parts.of(row) === this.#fold.index) === this.#fold.isHeld;
  }

  /** The number in the source of a row of the fold. */
  at(index: number): number {
    const { count } = this.#fold;
    const block = Math.floor(index / this.#each);
    let over = index - block * this.#each;
    for (let row = block * count; ; row++) if (this.has(row) && over-- === 0) return row;
  }
}
