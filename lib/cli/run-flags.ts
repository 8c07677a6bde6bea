import type { SolverParameter } from "../caffe/messages.js";
import type { LiveRun } from "../dashboard/live-run.js";
import { NetrunError } from "../error.js";
import { parseNumber } from "../options/number.js";
import { type RunFolder, readRunInfo, readRunSolver, runFiles } from "../runs/run-folder.js";
import { openRun } from "../runs/train-run.js";
import type { Solver } from "../train/solver.js";
import type { CommandArgs } from "./commands/command.js";
import { PORT, type TRAIN } from "./commands/training.js";
import { warn } from "./common.js";

type TrainArgs = CommandArgs<typeof TRAIN>;

/** Throws NetrunError for flags that say two things about where a run is kept. */
export function checkRunFlags({ run, resume, snapshot, snapshot_prefix }: TrainArgs): void {
  if (run === undefined) {
    if (resume) throw new NetrunError("which run?", { notes: ["--run NAME --resume; netrun runs lists them"] });
    return;
  }
  if (resume && snapshot !== undefined)
    throw new NetrunError("give --snapshot or --resume, which takes the run's newest, not both");
  if (snapshot_prefix !== undefined)
    throw new NetrunError("a run has its snapshots in its own folder: give --run or --snapshot-prefix, not both");
}

/** The folder of the run that the flags name, made or opened; undefined without --run. */
export const runOf = ({ run, runs, resume }: TrainArgs): RunFolder | undefined =>
  run === undefined ? undefined : openRun({ run, runs, resume }, warn);

/** Solver and options of a run, for one that is resumed without its solver. */
export function storedRun({ folder }: RunFolder): {
  readonly args: Partial<TrainArgs>;
  readonly solver: SolverParameter;
  readonly baseDir: string;
} {
  const {
    weights: _,
    snapshot: __,
    model: ___,
    solver: ____,
    ...args
  } = readRunInfo(folder).settings as Partial<TrainArgs>;
  return { args, ...readRunSolver(folder) };
}

/** Tests whether something shows layer statistics. */
export const wantsStatistics = ({ tensorboard, dashboard }: Partial<TrainArgs>): boolean =>
  tensorboard !== undefined || (dashboard !== undefined && dashboard !== false);

/** The training of this process on a page. */
interface OpenDashboard extends AsyncDisposable {
  readonly live: LiveRun;
}

/** Serves the page that --dashboard[=PORT] asks for, and says where; a resumed run has what came before. Throws NetrunError. */
export async function openDashboard(
  args: TrainArgs,
  solver: Solver,
  folder: RunFolder | undefined,
): Promise<OpenDashboard | undefined> {
  const { dashboard } = args;
  if (dashboard === undefined || dashboard === false) return undefined;
  const port = typeof dashboard === "string" ? parseNumber("--dashboard", dashboard, PORT) : 0;
  const [{ LiveRun }, { serveDashboard }, { readDigest }] = await Promise.all([
    import("../dashboard/live-run.js"),
    import("../dashboard/server.js"),
    import("../runs/read-log.js"),
  ]);
  const name = args.run ?? (solver.net.name === "" ? "training" : solver.net.name);
  const files = folder && runFiles(folder.folder);
  const before = args.resume && files ? readDigest(files.events, files.digest).digest : undefined;
  const live = new LiveRun(name, solver, before);
  const served = await serveDashboard([live], port);
  process.stderr.write(`Dashboard: ${served.url}\n`);
  return { live, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() };
}
