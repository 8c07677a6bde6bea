import type { CommandModule } from "yargs";
import { type Rows, writeRows, writerOf } from "../data/write-rows.js";
import { NetrunError, nearest } from "../error.js";
import { count } from "../graph/index.js";
import { Net } from "../model.js";
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
import { Ticker } from "./ticker.js";

interface ExtractArgs extends RunArgs, DataArgs {
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
      ...DATA_FLAGS,
      ...RUN_FLAGS,
    }) as never,
  handler: (args) => runExtract(args),
};

async function runExtract(args: ExtractArgs): Promise<void> {
  writerOf(args.output);
  await using net = await Net.load(args.model, {
    ...sessionOf(args),
    ...stateOf(args),
    ...dataOf(args),
    phase: "TEST",
    weights: listOf(args.weights),
    strict: args.strict,
    onWarning: warn,
  });
  const { records } = net;
  if (records === undefined) {
    throw new NetrunError("the net reads no data", { notes: ["--data PATH feeds its inputs"] });
  }
  const batch = net.shapes.get(net.inputs[0]!)![0]!;
  const names = listOf(args.blobs);
  const columns = names.map((name) => ({ name, width: widthOf(net, name, batch) }));
  const total = args.iterations === undefined ? records : args.iterations * batch;
  await writeRows(args.output, columns, rowsOf(net, names, batch, total));
  console.log(`${args.output}: ${total} rows of ${columns.map(({ name, width }) => `${name} [${width}]`).join(", ")}`);
}

function widthOf(net: Net, name: string, batch: number): number {
  const shape = net.shapes.get(name);
  if (!shape) {
    const near = nearest(name, net.shapes.keys());
    const notes = [near ? `did you mean "${near}"?` : `there are: ${[...net.shapes.keys()].join(", ")}`];
    throw new NetrunError(`the net has no blob "${name}"`, { notes });
  }
  if (shape[0] === batch) return count(shape) / batch;
  throw new NetrunError(`blob "${name}" is [${shape}]: it has no row for each of the ${batch} inputs of a batch`);
}

/** Batch by batch; of the last one what the total still asks for, since data starts over inside a batch. */
async function* rowsOf(net: Net, names: readonly string[], batch: number, total: number): AsyncGenerator<Rows> {
  const ticker = new Ticker(process.stdout, Math.ceil(total / batch), "batches");
  for (let done = 0; done < total; done += batch) {
    const length = Math.min(batch, total - done);
    const blobs = await net.forward();
    yield {
      length,
      values: names.map((name) => blobs[name]!.data.subarray(0, (blobs[name]!.data.length / batch) * length)),
    };
    ticker.tick();
  }
  ticker.end();
}
