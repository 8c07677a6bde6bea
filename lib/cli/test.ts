import { Net } from "../api/net.js";
import { type NetScores, testNet } from "../api/test-net.js";
import type { CommandArgs } from "./commands/command.js";
import type { TEST } from "./commands/inference.js";
import { dataOfFlags, isQuiet, refuseSwappedFlags, report, stateOfFlags, warn } from "./common.js";
import { sessionOfFlags } from "./session-flags.js";
import { lossShare } from "./log-lines.js";
import { Ticker } from "./ticker.js";

/** Scores a net over N batches of its data. */
export async function run(args: CommandArgs<typeof TEST>): Promise<void> {
  refuseSwappedFlags("test", args.model, args.weights);
  await using net = await Net.load(args.model, {
    ...(await sessionOfFlags(args)),
    ...stateOfFlags(args),
    ...dataOfFlags(args),
    phase: "TEST",
    weights: args.weights,
    strict: args.strict,
    onWarning: warn,
  });
  const ticker = new Ticker(process.stdout, args.iterations, "batches");
  const scores = await testNet(net, {
    iterations: args.iterations,
    apVersion: args.apVersion,
    blobs: [],
    onBatch: (batch, blobs) => {
      if (isQuiet(args)) return;
      for (const name of net.outputs.filter((each) => !net.evaluated.has(each))) {
        const values = [...blobs[name]!.data].map((value) => value.toPrecision(6)).join(", ");
        ticker.line(`Batch ${batch}, ${name} = ${values}`);
      }
      ticker.tick();
    },
  });
  ticker.end();
  const { loss, outputs, classes } = scores;
  report(args, { loss, outputs, ...(classes && { classes }) }, () => scoreLines(net, scores));
}

/** Caffe's lines: the objective, then each output's mean with its share of the objective. */
function scoreLines(net: Net, { loss, outputs, classes = {} }: NetScores): readonly string[] {
  const lines = Object.entries(outputs).flatMap(([name, values]) => {
    const weight = net.lossWeights.get(name) ?? 0;
    return values.map((mean) => `${name} = ${mean.toPrecision(6)}${lossShare(weight, mean)}`);
  });
  const perClass = Object.values(classes)
    .flatMap(Object.entries)
    .map(([label, value]) => `class${label}: ${value.toPrecision(6)}`);
  return [`Loss: ${loss.toPrecision(6)}`, ...perClass, ...lines];
}
