import type { CommandModule } from "yargs";
import { type Extraction, openExtraction } from "../api/extract.js";
import { type Rows, writeRows, writerOf } from "../data/write-rows.js";
import { count } from "../graph/index.js";
import {
  DATA_FLAGS,
  type DataArgs,
  dataOf,
  listOf,
  RUN_FLAGS,
  type RunArgs,
  sessionOf,
  stateOf,
  warn,
} from "./common.js";
import { PARALLEL_FLAGS, type ParallelArgs } from "./parallel.js";
import { Ticker } from "./ticker.js";

interface ExtractArgs extends RunArgs, DataArgs, Pick<ParallelArgs, "workers" | "isolation" | "workerTimeout"> {
  readonly model: string;
  readonly weights: string;
  readonly blobs: string;
  readonly output: string;
  readonly iterations?: number;
}

/** `netrun extract -model NET -weights FILE --blobs ip1,prob -o FILE.parquet`: blobs of a data set, a row an input. */
export const extractCommand: CommandModule<object, ExtractArgs> = {
  command: "extract",
  describe: "Write named blobs of a data set: features",
  builder: (yargs) =>
    yargs.options({
      model: { type: "string", demandOption: true, describe: "The net's prototxt" },
      weights: { type: "string", demandOption: true, describe: "Its weights: FILE[,FILE...]" },
      blobs: { type: "string", demandOption: true, describe: "Blobs to write: NAME[,NAME...]" },
      output: { alias: "o", type: "string", demandOption: true, describe: "The file: .arrow, .parquet or .csv" },
      iterations: { type: "number", describe: "Batches to run; all of the data without it" },
      workers: { type: "number", describe: "Replicas that share the batches; the same rows in the same order" },
      isolation: PARALLEL_FLAGS.isolation,
      "worker-timeout": { type: "number", describe: "Seconds a batch may take before its worker counts as hung" },
      ...DATA_FLAGS,
      ...RUN_FLAGS,
    }) as never,
  handler: (args) => runExtract(args),
};

async function runExtract(args: ExtractArgs): Promise<void> {
  writerOf(args.output);
  await using extraction = await openExtraction({
    ...sessionOf(args),
    ...stateOf(args),
    ...dataOf(args),
    model: args.model,
    weights: listOf(args.weights),
    blobs: listOf(args.blobs),
    iterations: args.iterations,
    workers: args.workers,
    isolation: args.isolation,
    workerTimeoutMs: args.workerTimeout === undefined ? undefined : args.workerTimeout * 1000,
    strict: args.strict,
    onWarning: warn,
  });
  const columns = [...extraction.shapes].map(([name, shape]) => ({ name, width: count(shape) }));
  await writeRows(args.output, columns, rowsOf(extraction));
  const blobs = columns.map(({ name, width }) => `${name} [${width}]`);
  console.log(`${args.output}: ${extraction.rows} rows of ${blobs.join(", ")}`);
}

async function* rowsOf(extraction: Extraction): AsyncGenerator<Rows> {
  const { rows, batchSize } = extraction;
  const ticker = new Ticker(process.stdout, Math.ceil(rows / batchSize), "batches");
  for await (const { length, blobs } of extraction) {
    yield { length, values: Object.values(blobs).map(({ data }) => data) };
    ticker.tick();
  }
  ticker.end();
}
