import { type Extraction, openExtraction } from "../api/extract.js";
import { extractOnSpark } from "../api/extract-on-spark.js";
import { type RowValues, writeRows, writerOf } from "../data/write-rows.js";
import { count } from "../graph/index.js";
import { type SparkChoice, sparkOf } from "../engine/spark/choice.js";
import { NetrunError } from "../error.js";
import { apiOf } from "../options/option.js";
import { HOSTS } from "../options/parallel.js";
import type { CommandArgs } from "./commands/command.js";
import type { EXTRACT } from "./commands/inference.js";
import { dataOfFlags, isQuiet, refuseSwappedFlags, report, stateOfFlags, warn } from "./common.js";
import { sessionOfFlags } from "./session-flags.js";
import { Ticker } from "./ticker.js";

/** Writes blobs of a data set. */
export async function run(args: CommandArgs<typeof EXTRACT>): Promise<void> {
  refuseSwappedFlags("extract", args.model, args.weights);
  const engine = sparkOf(args);
  if (engine) return extractOn(engine, args);
  writerOf(args.output);
  await using extraction = await openExtraction({
    ...(await sessionOfFlags(args, "several")),
    ...stateOfFlags(args),
    ...dataOfFlags(args),
    model: args.model,
    ...apiOf(HOSTS, args),
    weights: args.weights,
    blobs: args.blobs,
    iterations: args.iterations,
    strict: args.strict,
    onWarning: warn,
  });
  const columns = [...extraction.shapes].map(([name, shape]) => ({ name, width: count(shape) }));
  await writeRows(args.output, columns, rowsOf(extraction, isQuiet(args)));
  const { rows, shapes: blobs } = extraction;
  const listed = columns.map(({ name, width }) => `${name} [${width}]`).join(", ");
  report(args, { path: args.output, rows, blobs }, () => [`${args.output}: ${rows} rows of ${listed}`]);
}

/** Writes blobs beside the columns of a DataFrame. */
async function extractOn(engine: SparkChoice, args: CommandArgs<typeof EXTRACT>): Promise<void> {
  const { model, weights, blobs, output } = args;
  const { data, ...choice } = dataOfFlags(args);
  if (typeof data !== "string") {
    throw new NetrunError("which rows?", { notes: ["--data spark:parquet:PATH names a DataFrame"] });
  }
  for (const [flag, value] of [
    ["iterations", args.iterations],
    ["workers", args.workers],
  ] as const) {
    if (value === undefined) continue;
    throw new NetrunError(`--${flag} has no effect on a cluster`, {
      notes: ["all rows are read, and a task of Spark's takes each partition of them"],
    });
  }
  const options = { ...stateOfFlags(args), ...choice, model, weights, blobs, data, output, engine, onWarning: warn };
  const done = await extractOnSpark(options);
  report(args, done, () => [`${output}: ${done.rows} rows with ${blobs.join(", ")} beside their own columns`]);
}

async function* rowsOf(extraction: Extraction, quiet: boolean): AsyncGenerator<RowValues> {
  const { rows, batchSize } = extraction;
  const ticker = new Ticker(process.stdout, Math.ceil(rows / batchSize), "batches");
  for await (const { length, blobs } of extraction) {
    yield { length, values: Object.values(blobs).map(({ data }) => data) };
    if (!quiet) ticker.tick();
  }
  ticker.end();
}
