import type { PreparedLabel } from "../data/source/prepared/preparation.js";

/** A model, and the rows to predict. */
export interface PredictOptions {
  /** The folder of the model, as `newNet` wrote it. */
  readonly model: string;
  /** A table with the columns that the model was made for; others are kept. */
  readonly data: string;
  /** A weights file; the newest of the folder without it. */
  readonly weights?: string | undefined;
  /** Rows that are computed at once. Default 256. */
  readonly batchSize?: number | undefined;
  /** The effect of rows that cannot be used: to fail at the first (the default), or to skip them. */
  readonly onBadRecord?: "fail" | "skip" | undefined;
}

/** A row and what the model says of it. */
export interface PredictedRow {
  readonly cells: readonly string[];
  /** The class or the number; of an autoencoder none. Undefined of a row that cannot be used. */
  readonly prediction?: string | number | undefined;
  /** The probability of each class. */
  readonly probabilities?: readonly number[] | undefined;
  /** The mean of the squared differences of an autoencoder's inputs and what it gives: how unusual a row is. */
  readonly error?: number | undefined;
  /** The reason if the row cannot be used. */
  readonly failure?: string | undefined;
}

/** Counts and scores of all rows. */
export interface PredictionSummary {
  readonly rows: number;
  readonly failed: number;
  /** Cells by column that no row to train on had, which count as missing ones. */
  readonly unseen: Readonly<Record<string, number>>;
  /** The share of right classes, where the table has the label. */
  readonly accuracy?: number | undefined;
  /** The root of the mean of the squared errors, in the label's unit. */
  readonly rmse?: number | undefined;
  /** The mean of the absolute errors, in the label's unit. */
  readonly mae?: number | undefined;
}

/** The predictions of a table, in its order. */
export interface TablePredictions extends AsyncDisposable, AsyncIterable<PredictedRow> {
  /** The table's columns, and those of the predictions: `predicted_LABEL` and a probability `p_CLASS` for each class, or `reconstruction_error`. */
  readonly columns: readonly string[];
  readonly added: readonly string[];
  readonly label: PreparedLabel | undefined;
  /** Complete after the last row. */
  summary(): PredictionSummary;
}
