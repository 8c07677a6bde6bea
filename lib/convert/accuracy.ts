import type { Tensor } from "../data/tensor.js";
import { count } from "../graph/index.js";
import type { VerificationBatch } from "./rows.js";

/** Rate at which an output's greatest score is the right class's, in the net and in the written file. */
export interface AccuracyComparison {
  readonly output: string;
  readonly rows: number;
  readonly net: number;
  readonly file: number;
}

/** Counts right classes over batches. */
export class Hits {
  readonly #counts = new Map<string, { rows: number; net: number; file: number }>();

  /** Counts a batch's rows, if they have classes and the output scores those. */
  add(output: string, actual: Tensor, expected: Tensor, { labels, rows }: VerificationBatch): void {
    if (!labels || !scores(expected, labels)) return;
    const known = this.#counts.get(output) ?? { rows: 0, net: 0, file: 0 };
    this.#counts.set(output, known);
    known.rows += rows;
    for (let row = 0; row < rows; row++) {
      if (best(expected, row) === labels[row]) known.net++;
      if (best(actual, row) === labels[row]) known.file++;
    }
  }

  result(): readonly AccuracyComparison[] {
    return [...this.#counts].map(([output, { rows, net, file }]) => ({
      output,
      rows,
      net: net / rows,
      file: file / rows,
    }));
  }
}

/** Tests whether an output has a number for each class in each row. */
function scores({ shape }: Tensor, labels: Float32Array): boolean {
  const classes = count(shape, 1);
  const isFlat = shape[0] === labels.length && classes > 1 && shape[1] === classes;
  return isFlat && labels.every((label) => Number.isInteger(label) && label >= 0 && label < classes);
}

/** The class with the greatest score of a row, the first of equal ones. */
function best({ shape, data }: Tensor, row: number): number {
  const classes = count(shape, 1);
  let found = 0;
  for (let i = 1; i < classes; i++) if (data[row * classes + i]! > data[row * classes + found]!) found = i;
  return found;
}
