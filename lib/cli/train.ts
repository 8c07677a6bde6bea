import { dirname } from "node:path";
import { isNet } from "../caffe/load.js";
import { NetrunError } from "../error.js";
import { apiOf } from "../options/option.js";
import { GRADIENTS, SESSION } from "../options/run.js";
import { COURSE, TRAINING } from "../options/training.js";
import { TensorBoardFile } from "../runs/tensorboard/event-files.js";
import { beginRun, bestScore, STATISTICS_INTERVAL } from "../runs/train-run.js";
import { LogFiles, secondsSince } from "../runs/log-files.js";
import { jsonLine } from "../train/event-log.js";
import { Solver, type SolverOptions } from "../train/solver.js";
import { solverOfNet } from "../train/solver-of-net.js";
import { train } from "../train/train.js";
import type { CommandArgs } from "./commands/command.js";
import type { TRAIN } from "./commands/training.js";
import { dataOfFlags, stateOfFlags, warn } from "./common.js";
import { parallelOf } from "./parallel.js";
import { Progress } from "./progress.js";
import { settingsOf } from "./settings.js";
import { Signals } from "./signals.js";
import { checkRunFlags, wantsStatistics, openDashboard, runOf, storedRun } from "./run-flags.js";
import { SteadyOutput } from "./steady-output.js";

type TrainArgs = CommandArgs<typeof TRAIN>;

/** Trains to max_iter, with a live line, tests and snapshots. */
export async function run(given: TrainArgs): Promise<void> {
  checkRunFlags(given);
  await using folder = runOf(given);
  const stored = given.resume && folder && (given.model ?? given.solver) === undefined ? storedRun(folder) : undefined;
  const args = stored ? { ...stored.args, ...given } : given;
  const path = args.model ?? args.solver;
  if (!stored && (path === undefined || (args.model !== undefined && args.solver !== undefined))) {
    throw new NetrunError("which solver?", { notes: ["netrun train SOLVER.prototxt, or NET.prototxt --data PATH"] });
  }
  if (args.snapshot !== undefined && args.weights !== undefined) {
    throw new NetrunError("give a snapshot to resume training or weights to start from, not both");
  }
  const effects = { sigint: args.sigintEffect, sighup: args.sighupEffect };
  const settings = { ...settingsOf(args), ...(folder && { snapshot_prefix: folder.snapshotPrefix }) };
  const net = !stored && isNet(path!);
  const options: SolverOptions = {
    ...apiOf(SESSION, args),
    ...stateOfFlags(args),
    ...dataOfFlags(args),
    ...parallelOf(args),
    ...apiOf(TRAINING, args),
    ...apiOf(GRADIENTS, args),
    statistics: args.statistics ?? (wantsStatistics(args) ? STATISTICS_INTERVAL : undefined),
    weights: args.resume ? undefined : args.weights,
    snapshot: args.snapshot,
    settings: net ? undefined : settings,
    strict: args.strict,
    onWarning: warn,
    baseDir: stored?.baseDir,
  };
  const from = stored ? stored.solver : net ? solverOfNet(path!, settings, args) : path!;
  await using solver = await Solver.load(from, options);
  if (!net && args.data !== undefined && args.testData === undefined && solver.tests.length > 0) {
    warn(new NetrunError("tests read the training data too", { notes: ["--test-data PATH gives them their own"] }));
  }
  if (folder) {
    const { run: _, runs: __, resume: ___, ...kept } = args;
    await beginRun(folder, solver, { resume: args.resume, settings: kept, command: process.argv.slice(2), warn });
  }
  const append = args.snapshot !== undefined;
  using files = new LogFiles({ json: args.logJson, csv: args.logCsv, append }, warn);
  await using board = args.tensorboard === undefined ? undefined : new TensorBoardFile(args.tensorboard, solver, warn);
  await using page = await openDashboard(args, solver, folder);
  using signals = new Signals(effects);
  using _output = new SteadyOutput(process.stdout, process.stderr);
  const progress = args.json ? undefined : new Progress(process.stdout, args.quiet);
  const startMs = performance.now();
  const run = train(solver, {
    action: () => {
      const asked = [page?.live, folder].map((each) => each?.action() ?? "none").find((each) => each !== "none");
      return asked ?? signals.action();
    },
    ...apiOf(COURSE, args),
    keepBest: args.keepBest ?? (folder && bestScore(solver)),
    baseline: args.baseline,
    measureMemory: folder !== undefined || wantsStatistics(args),
  });
  let failed = false;
  for await (const event of run) {
    if (progress) progress.show(event);
    else process.stdout.write(jsonLine({ seconds: secondsSince(startMs), event }));
    files.write(event);
    folder?.write(event);
    board?.write(event);
    page?.live.write(event);
    failed = event.kind === "snapshot-failed" || (failed && event.kind !== "snapshot");
  }
  progress?.finish(process.argv.slice(2), path === undefined ? "." : dirname(path));
  if (failed) throw new NetrunError("the last snapshot could not be written");
}
