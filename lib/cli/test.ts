import type { CommandModule } from "yargs";
import { NetrunError } from "../error.js";
import { Net } from "../model.js";
import { listOf, sessionOf, warn } from "./common.js";

interface TestArgs {
  readonly model?: string;
  readonly weights?: string;
  readonly iterations: number;
  readonly level?: number;
  readonly stage?: string;
  readonly threads?: number;
  readonly provider?: string;
  readonly strict: boolean;
}

/** `netrun test -model NET -weights FILE -iterations N`: scores a net over N batches of its data. */
export const testCommand: CommandModule<object, TestArgs> = {
  command: "test",
  describe: "Score a net on its data",
  builder: (yargs) =>
    yargs
      .option("model", { type: "string", demandOption: true, describe: "The net's prototxt" })
      .option("weights", { type: "string", demandOption: true, describe: "Its weights: FILE[,FILE...]" })
      .option("iterations", { type: "number", default: 50, describe: "Batches to score" })
      .option("level", { type: "number", describe: "Level of the net state" })
      .option("stage", { type: "string", describe: "Stages of the net state: NAME[,NAME...]" })
      .option("threads", { type: "number", describe: "Threads inside one op" })
      .option("provider", { choices: ["cpu", "cuda", "webgpu"], describe: "Execution provider" }) as never,
  handler: (args) => runTest(args),
};

async function runTest(args: TestArgs): Promise<void> {
  await using net = await Net.load(args.model!, {
    ...sessionOf(args),
    phase: "TEST",
    weights: listOf(args.weights),
    stages: listOf(args.stage),
    ...(args.level !== undefined && { level: args.level }),
    strict: args.strict,
    onWarning: warn,
  });
  if (!(args.iterations > 0)) throw new NetrunError(`-iterations ${args.iterations}: nothing to score`);
  const sums = new Map<string, Float64Array>();
  for (let i = 0; i < args.iterations; i++) {
    const blobs = await net.forward();
    for (const name of net.outputs) {
      const { data } = blobs[name]!;
      const sum = sums.get(name) ?? new Float64Array(data.length);
      data.forEach((value, j) => {
        sum[j]! += value;
      });
      sums.set(name, sum);
      console.log(`Batch ${i}, ${name} = ${[...data].map((value) => value.toPrecision(6)).join(", ")}`);
    }
  }
  for (const [name, sum] of sums) {
    for (const value of sum) console.log(`${name} = ${(value / args.iterations).toPrecision(6)}`);
  }
}
