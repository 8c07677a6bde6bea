import { Net } from "../api/net.js";
import type { CommandArgs } from "./commands/command.js";
import type { TEST } from "./commands/inference.js";
import { dataOf, sessionOf, stateOf, warn } from "./common.js";
import { lossShare } from "./log-lines.js";
import { Ticker } from "./ticker.js";

/** Scores a net over N batches of its data. */
export async function run(args: CommandArgs<typeof TEST>): Promise<void> {
  await using net = await Net.load(args.model, {
    ...sessionOf(args),
    ...stateOf(args),
    ...dataOf(args),
    phase: "TEST",
    weights: args.weights,
    strict: args.strict,
    onWarning: warn,
  });
  const ticker = new Ticker(process.stdout, args.iterations, "batches");
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
      ticker.line(`Batch ${i}, ${name} = ${[...data].map((value) => value.toPrecision(6)).join(", ")}`);
    }
    ticker.tick();
  }
  ticker.end();
  report(net, sums, args.iterations);
}

/** Caffe's lines: the objective, then each output's mean with its share of the objective. */
function report(net: Net, sums: ReadonlyMap<string, Float64Array>, batches: number): void {
  const lines: string[] = [];
  let objective = 0;
  for (const [name, sum] of sums) {
    const weight = net.lossWeights.get(name) ?? 0;
    for (const value of sum) {
      const mean = value / batches;
      objective += weight * mean;
      lines.push(`${name} = ${mean.toPrecision(6)}${lossShare(weight, mean)}`);
    }
  }
  console.log(`Loss: ${objective.toPrecision(6)}`);
  for (const line of lines) console.log(line);
}
