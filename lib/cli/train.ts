import type { CommandModule } from "yargs";
import { NetrunError } from "../error.js";
import { Solver } from "../solve/solver.js";
import { train } from "../solve/train.js";
import { listOf, sessionOf, warn } from "./common.js";
import { Progress } from "./progress.js";

interface TrainArgs {
  readonly model?: string;
  readonly solver?: string;
  readonly weights?: string;
  readonly snapshot?: string;
  readonly level?: number;
  readonly stage?: string;
  readonly threads?: number;
  readonly provider?: string;
  readonly strict: boolean;
}

/** `netrun train SOLVER.prototxt`: trains to max_iter, with a live line, tests and snapshots. */
export const trainCommand: CommandModule<object, TrainArgs> = {
  command: "train [model]",
  describe: "Train a net",
  builder: (yargs) =>
    yargs
      .positional("model", { type: "string", describe: "A solver's prototxt" })
      .option("solver", { type: "string", describe: "The same, as Caffe's flag" })
      .option("weights", { type: "string", describe: "Weights to start from: FILE[,FILE...]" })
      .option("snapshot", { type: "string", describe: "A .solverstate to go on from" })
      .option("level", { type: "number", describe: "Level of the net state" })
      .option("stage", { type: "string", describe: "Stages of the net state: NAME[,NAME...]" })
      .option("threads", { type: "number", describe: "Threads inside one op" })
      .option("provider", { choices: ["cpu", "cuda", "webgpu"], describe: "Execution provider" }) as never,
  handler: (args) => runTrain(args),
};

async function runTrain(args: TrainArgs): Promise<void> {
  const path = args.model ?? args.solver;
  if (path === undefined || (args.model !== undefined && args.solver !== undefined)) {
    throw new NetrunError("which solver?", { notes: ["netrun train SOLVER.prototxt"] });
  }
  if (args.snapshot !== undefined && args.weights !== undefined) {
    throw new NetrunError("give a snapshot to resume training or weights to start from, not both");
  }
  await using solver = await Solver.load(path, {
    ...sessionOf(args),
    weights: args.weights === undefined ? undefined : listOf(args.weights),
    snapshot: args.snapshot,
    level: args.level,
    stages: listOf(args.stage),
    strict: args.strict,
    onWarning: warn,
  });
  const progress = new Progress(process.stdout, solver);
  for await (const event of train(solver)) progress.show(event);
  progress.finish();
}
