import { DataFrames } from "../engine/spark/data-frames.js";
import type { SparkChoice } from "../engine/spark/choice.js";
import { NetrunError } from "../error.js";
import type { NetOptions } from "./net.js";
import { RowNet, type RowNetOptions } from "./row-net.js";

/** Net and DataFrame of an extraction, and where the rows with their blobs go. */
export interface SparkExtractOptions
  extends Pick<RowNetOptions, "model" | "blobs" | "batchSize" | "onBadRecord" | "transform" | "level" | "stages"> {
  readonly weights: string | readonly string[];
  readonly engine: SparkChoice;
  /** The address of a DataFrame, such as spark:parquet:hdfs:///images. */
  readonly data: string;
  /** Destination: spark:FORMAT:PATH or spark:table:NAME, with Spark's options of writing; mode=overwrite is one. */
  readonly output: string;
  readonly onWarning?: NetOptions["onWarning"];
}

/** Rows and blobs written. */
export interface SparkExtracted {
  readonly path: string;
  readonly rows: number;
  readonly blobs: readonly string[];
}

/**
 * Writes the rows of a DataFrame with columns of blobs beside their own, computed by workers on a cluster's executors. The net is
 * checked here first, by some of the rows. Throws NetrunError for what is wrong with the net, the blobs, the data or the output.
 */
export async function extractOnSpark(given: SparkExtractOptions): Promise<SparkExtracted> {
  const { engine, data, output, weights, onWarning, ...rest } = given;
  if (!output.startsWith("spark:")) {
    throw new NetrunError(`what kind of output on a cluster is ${output}?`, {
      notes: [`write spark:parquet:${output}`],
    });
  }
  await using frames = new DataFrames(engine, false);
  const source = await frames.resolve(data);
  if (typeof source !== "object" || source.kind !== "spark") {
    throw new NetrunError(`"${data}" is no DataFrame`, { notes: [`--data spark:parquet:${data} for a Parquet file`] });
  }
  const { id, columns, shapes, missing, rows } = source;
  const options = { ...rest, weights: [weights].flat() };
  await using _ = await RowNet.open({ ...options, ...(onWarning && { onWarning }) }, source);
  const texts = Object.fromEntries(columns.flatMap(({ name, labels }) => (labels ? [[name, labels.length]] : [])));
  await frames.extract({ frame: id, output, options, rows: { columns, shapes, missing, texts } });
  return { path: output, rows, blobs: options.blobs };
}
