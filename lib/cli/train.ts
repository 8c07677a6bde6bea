import { basename, dirname } from "node:path";
import type { CommandModule } from "yargs";
import { filterNet, mergeStates } from "../caffe/filter.js";
import { isNet, loadNet } from "../caffe/load.js";
import { create } from "../caffe/message.js";
import { type Init, Phase, type SolverParameter } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { bringsData } from "../layers/index.js";
import { inUnits } from "../train/memory.js";
import { Solver, type SolverOptions } from "../train/solver.js";
import { train } from "../train/train.js";
import {
  DATA_FLAGS,
  type DataArgs,
  dataOf,
  listOf,
  programName,
  RUN_FLAGS,
  type RunArgs,
  sessionOf,
  stateOf,
  warn,
} from "./common.js";
import { LogFiles } from "./log-files.js";
import { PARALLEL_FLAGS, type ParallelArgs, parallelOf } from "./parallel.js";
import { Progress } from "./progress.js";
import { defaultSettings, SETTING_FLAGS, settingsOf } from "./settings.js";
import { effectOf, Signals } from "./signals.js";

interface TrainArgs extends RunArgs, DataArgs, ParallelArgs {
  readonly model?: string;
  readonly solver?: string;
  readonly weights?: string;
  readonly snapshot?: string;
  readonly testData?: string;
  readonly testBatchSize?: number;
  readonly warmUp?: number;
  readonly maxTime?: number;
  readonly earlyStop?: string;
  readonly patience?: number;
  readonly keepBest?: string;
  readonly logJson?: string;
  readonly logCsv?: string;
  readonly sigintEffect: string;
  readonly sighupEffect: string;
}

/** `netrun train SOLVER.prototxt` or `NET.prototxt`: trains to max_iter, with a live line, tests and snapshots. */
export const trainCommand: CommandModule<object, TrainArgs> = {
  command: "train [model]",
  describe: "Train a net",
  builder: (yargs) =>
    yargs.positional("model", { type: "string", describe: "The prototxt of a solver, or of a net" }).options({
      solver: { type: "string", describe: "The same, as Caffe's flag" },
      weights: { type: "string", describe: "Weights to start from: FILE[,FILE...]" },
      snapshot: { type: "string", describe: "A .solverstate to go on from" },
      ...DATA_FLAGS,
      ...PARALLEL_FLAGS,
      "test-data": { type: "string", describe: "Data that the tests read" },
      "test-batch-size": { type: "number", describe: "Rows of a batch of a test" },
      "warm-up": { type: "number", describe: "Iterations over which the learning rate rises to the policy's" },
      "max-time": { type: "number", describe: "Minutes after which training stops" },
      "early-stop": { type: "string", describe: "Stop when this score of tests gets no better: NAME[:min|:max]" },
      patience: { type: "number", describe: "Tests that --early-stop waits (5)" },
      "keep-best": { type: "string", describe: "Keep the weights with the best score: NAME[:min|:max]" },
      "log-json": { type: "string", describe: "Log events to a file, a JSON object each" },
      "log-csv": { type: "string", describe: "Log losses, rates and scores to a file" },
      "sigint-effect": { type: "string", default: "stop", describe: "What SIGINT does: stop, snapshot or none" },
      "sighup-effect": { type: "string", default: "snapshot", describe: "What SIGHUP does: stop, snapshot or none" },
      ...RUN_FLAGS,
      ...SETTING_FLAGS,
    }) as never,
  handler: (args) => runTrain(args),
};

async function runTrain(args: TrainArgs): Promise<void> {
  const path = args.model ?? args.solver;
  if (path === undefined || (args.model !== undefined && args.solver !== undefined)) {
    throw new NetrunError("which solver?", { notes: ["netrun train SOLVER.prototxt, or NET.prototxt --data PATH"] });
  }
  if (args.snapshot !== undefined && args.weights !== undefined) {
    throw new NetrunError("give a snapshot to resume training or weights to start from, not both");
  }
  const effects = {
    sigint: effectOf("-sigint_effect", args.sigintEffect),
    sighup: effectOf("-sighup_effect", args.sighupEffect),
  };
  const settings = settingsOf(args as never);
  const net = isNet(path);
  if (!net && args.data !== undefined && args.testData === undefined) {
    warn(new NetrunError("tests read the training data too", { notes: ["--test-data PATH gives them their own"] }));
  }
  const options: SolverOptions = {
    ...sessionOf(args),
    ...stateOf(args),
    ...dataOf(args),
    ...parallelOf(args),
    weights: args.weights === undefined ? undefined : listOf(args.weights),
    snapshot: args.snapshot,
    testData: args.testData,
    testBatchSize: args.testBatchSize,
    warmUp: args.warmUp,
    settings: net ? undefined : settings,
    strict: args.strict,
    onWarning: warn,
  };
  await using solver = await Solver.load(net ? solverFor(path, settings, args) : path, options);
  using files = new LogFiles({ json: args.logJson, csv: args.logCsv });
  using signals = new Signals(effects);
  if (solver.parallel !== undefined) console.log(solver.parallel);
  const { parameters, blobs } = solver.memory;
  console.log(
    `Memory: ${inUnits(parameters)} for parameters, gradients and history, up to ${inUnits(blobs)} for blobs`,
  );
  const progress = new Progress(process.stdout, solver);
  const run = train(solver, {
    action: () => signals.action(),
    testProgress: (done, total) => progress.testing(done, total),
    maxTimeMs: args.maxTime === undefined ? undefined : args.maxTime * 60_000,
    earlyStop: args.earlyStop,
    patience: args.patience,
    keepBest: args.keepBest,
    baseline: args.baseline,
  });
  let failed = false;
  for await (const event of run) {
    progress.show(event);
    files.write(event);
    failed = event.kind === "snapshot-failed" || (failed && event.kind !== "snapshot");
  }
  progress.finish(resumeCommand(process.argv.slice(2)), dirname(path));
  if (failed) throw new NetrunError("the last snapshot could not be written");
}

/** The command that this run was started by, without what a run that goes on is told anew. */
function resumeCommand(argv: readonly string[]): string {
  const anew = /^--?(snapshot|weights|max[-_]iter)(=|$)/;
  const kept = argv.filter((arg, i) => {
    const before = argv[i - 1] ?? "";
    return !anew.test(arg) && !(anew.test(before) && !before.includes("="));
  });
  return [programName(), ...kept].join(" ");
}

/** A solver for a net that has none. It tests where there is data for that, all of it. */
function solverFor(path: string, given: Init<SolverParameter>, args: TrainArgs): SolverParameter {
  const tests = args.testData !== undefined || (args.data === undefined && readsTestData(path));
  const settings = defaultSettings(given);
  const stem = basename(path).replace(/\.[^.]*$/, "");
  return create("SolverParameter", {
    net: path,
    snapshot_prefix: `snapshots/${stem}`,
    ...settings,
    test_iter: given.test_iter ?? (tests ? [0] : []),
    test_interval: tests ? settings.test_interval! : 0,
  });
}

/** Whether a net has data layers that are there in tests. */
function readsTestData(path: string): boolean {
  const { message } = loadNet(path);
  const state = mergeStates(create("NetState", { phase: Phase.TEST }), message.state);
  return filterNet(message, state).layer.some(bringsData);
}
