import { foldRows } from "../row-parts.js";
import { isMissing, numberOf } from "./encode.js";
import { Moments } from "./moments.js";
import type { Preparation } from "./preparation.js";
import type { TextTable } from "./table.js";

/** A fold of a table's rows to train on, which is tested on. */
export interface TestedFold {
  readonly count: number;
  readonly index: number;
}

/** A preparation of the rows that are not in a fold, and the categories by column that those have. */
export interface FoldFit {
  readonly preparation: Preparation;
  readonly seen: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * The preparation as the rows outside of a fold make it, so that nothing of the rows that are tested on is in the inputs: means and deviations
 * are theirs, and categories that they lack count as unseen. Inputs keep their places, and a label its scale: losses of folds are in
 * one unit. `rows` are those to train on, in the order of their numbers.
 */
export async function fitToFold(
  preparation: Preparation,
  { columns: names }: TextTable,
  rows: AsyncIterable<{ readonly cells: readonly string[] }>,
  { count, index }: TestedFold,
): Promise<FoldFit> {
  const folds = foldRows(count);
  const numbers = preparation.columns.map(() => new Moments());
  const texts = preparation.columns.map(() => new Set<string>());
  const places = preparation.columns.map(({ name }) => names.indexOf(name));
  let row = 0;
  for await (const { cells } of rows) {
    if (folds.of(row++) === index) continue;
    for (const [i, { kind }] of preparation.columns.entries()) {
      const cell = cells[places[i]!]?.trim() ?? "";
      if (isMissing(cell)) continue;
      if (kind === "category") texts[i]!.add(cell);
      const value = kind === "number" ? numberOf(cell) : Number.NaN;
      if (!Number.isNaN(value)) numbers[i]!.add(value);
    }
  }
  const columns = preparation.columns.map((column, i) => {
    if (column.kind !== "number") return column;
    const { mean, deviation } = numbers[i]!;
    // What is constant outside of the fold is 0 there, and has the unit of all rows inside.
    return { ...column, mean, deviation: deviation > 0 ? deviation : column.deviation };
  });
  const seen = preparation.columns.flatMap((column, i) =>
    column.kind === "category" ? [[column.name, texts[i]!] as const] : [],
  );
  return { preparation: { ...preparation, columns }, seen: new Map(seen) };
}
