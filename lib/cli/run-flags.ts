import type { SolverParameter } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { type RunFolder, readRunInfo, readRunSolver } from "../runs/run-folder.js";
import { openRun } from "../runs/train-run.js";
import type { CommandArgs } from "./commands/command.js";
import type { TRAIN } from "./commands/training.js";
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

/** What a run was trained with, for one that is resumed without its solver. */
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
