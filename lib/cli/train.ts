import { dirname } from "node:path";
import { isNet } from "../caffe/load.js";
import { NetrunError } from "../error.js";
import { apiOf } from "../options/option.js";
import { GRADIENTS, SESSION } from "../options/run.js";
import { COURSE, TRAINING } from "../options/training.js";
import { jsonLine } from "../train/event-log.js";
import { Solver, type SolverOptions } from "../train/solver.js";
import { solverOfNet } from "../train/solver-of-net.js";
import { train } from "../train/train.js";
import type { CommandArgs } from "./commands/command.js";
import type { TRAIN } from "./commands/training.js";
import { dataOfFlags, stateOfFlags, warn } from "./common.js";
import { LogFiles, secondsSince } from "./log-files.js";
import { parallelOf } from "./parallel.js";
import { Progress } from "./progress.js";
import { settingsOf } from "./settings.js";
import { Signals } from "./signals.js";
import { SteadyOutput } from "./steady-output.js";

type TrainArgs = CommandArgs<typeof TRAIN>;

/** Trains to max_iter, with a live line, tests and snapshots. */
export async function run(args: TrainArgs): Promise<void> {
  const path = args.model ?? args.solver;
  if (path === undefined || (args.model !== undefined && args.solver !== undefined)) {
    throw new NetrunError("which solver?", { notes: ["netrun train SOLVER.prototxt, or NET.prototxt --data PATH"] });
  }
  if (args.snapshot !== undefined && args.weights !== undefined) {
    throw new NetrunError("give a snapshot to resume training or weights to start from, not both");
  }
  const effects = { sigint: args.sigintEffect, sighup: args.sighupEffect };
  const settings = settingsOf(args);
  const net = isNet(path);
  if (!net && args.data !== undefined && args.testData === undefined) {
    warn(new NetrunError("tests read the training data too", { notes: ["--test-data PATH gives them their own"] }));
  }
  const options: SolverOptions = {
    ...apiOf(SESSION, args),
    ...stateOfFlags(args),
    ...dataOfFlags(args),
    ...parallelOf(args),
    ...apiOf(TRAINING, args),
    ...apiOf(GRADIENTS, args),
    weights: args.weights,
    snapshot: args.snapshot,
    settings: net ? undefined : settings,
    strict: args.strict,
    onWarning: warn,
  };
  await using solver = await Solver.load(net ? solverOfNet(path, settings, args) : path, options);
  const append = args.snapshot !== undefined;
  using files = new LogFiles({ json: args.logJson, csv: args.logCsv, append }, warn);
  using signals = new Signals(effects);
  using _output = new SteadyOutput(process.stdout, process.stderr);
  const progress = args.json ? undefined : new Progress(process.stdout, args.quiet);
  const startMs = performance.now();
  const run = train(solver, {
    action: () => signals.action(),
    ...apiOf(COURSE, args),
    baseline: args.baseline,
  });
  let failed = false;
  for await (const event of run) {
    if (progress) progress.show(event);
    else process.stdout.write(jsonLine({ seconds: secondsSince(startMs), event }));
    files.write(event);
    failed = event.kind === "snapshot-failed" || (failed && event.kind !== "snapshot");
  }
  progress?.finish(process.argv.slice(2), dirname(path));
  if (failed) throw new NetrunError("the last snapshot could not be written");
}
