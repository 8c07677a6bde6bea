import { NetrunError } from "../error.js";
import type { TrainEvent } from "../train/events.js";
import { Solver } from "../train/solver.js";
import { type TrainReplicasOptions, train } from "../train/train.js";
import { restoreNewest } from "./resume.js";
import { RUNS_FOLDER, RunFolder, readRunSolver, runFiles } from "./run-folder.js";

/** Name and retention of a run. */
export interface KeepOptions {
  /** Its name: it is kept in the folder `runs/NAME`. */
  readonly run: string;
  /** The folder of all runs. Default `runs`. */
  readonly runs?: string | undefined;
  /** True if to go on with a run that is there, from its newest snapshot that is whole. */
  readonly resume?: boolean | undefined;
}

/** A training that is kept as a run; a run that is resumed needs no solver. */
export interface TrainRunOptions extends Omit<TrainReplicasOptions, "solver" | "snapshot">, KeepOptions {
  readonly solver?: TrainReplicasOptions["solver"] | undefined;
}

/** Iterations between layer statistics where something shows them and no other interval is asked for. */
export const STATISTICS_INTERVAL = 100;

type Warn = (warning: NetrunError) => void;

/** Makes the folder of a new run, or opens that of one to go on with. Throws NetrunError. */
export const openRun = ({ run, runs = RUNS_FOLDER, resume = false }: KeepOptions, warn: Warn): RunFolder =>
  resume ? RunFolder.open(run, runs, warn) : RunFolder.create(run, runs, warn);

/**
 * Begins a run's log with a loaded solver, whose snapshot_prefix is the run's; one that is resumed goes on from the newest good
 * snapshot. Throws NetrunError.
 */
export async function beginRun(
  run: RunFolder,
  solver: Solver,
  options: {
    readonly resume?: boolean | undefined;
    readonly settings: Readonly<Record<string, unknown>>;
    readonly command: readonly string[];
    readonly warn: Warn;
  },
): Promise<void> {
  if (options.resume) {
    const from = await restoreNewest(solver, runFiles(run.folder).snapshots, options.warn);
    if (from === undefined)
      options.warn(new NetrunError("the run has no snapshot: it begins anew", { file: run.folder }));
  }
  const { net, baseDir } = solver.source;
  const { parameter, seed, iteration } = solver;
  await run.begin({ ...options, solver: parameter, net, netFolder: baseDir, seed, iteration });
}

/** The score whose best weights a run keeps where none is named: the first of the tests that is no loss, else the first. */
export function bestScore(solver: Pick<Solver, "tests">): string | undefined {
  const outputs = solver.tests.flatMap(({ outputs: names, lossWeights }) =>
    names.map((name) => ({ name, isLoss: lossWeights.has(name) })),
  );
  return (outputs.find(({ isLoss }) => !isLoss) ?? outputs[0])?.name;
}

/**
 * Trains as `train` does, and keeps the run in a folder: solver and net as run, settings, versions, seed, events, snapshots and the
 * best weights. Without `workers` it trains in this thread. Throws NetrunError where there is such a run, unless it is resumed.
 */
export async function* trainRun(options: TrainRunOptions): AsyncGenerator<TrainEvent, void> {
  const warn = options.onWarning ?? (() => {});
  await using folder = openRun(options, warn);
  const { resume = false } = options;
  const stored = options.solver === undefined && resume ? readRunSolver(folder.folder) : undefined;
  const from = options.solver ?? stored?.solver;
  if (from === undefined) throw new NetrunError("a run that is not resumed needs a solver");
  await using solver = await Solver.load(from, {
    ...options,
    baseDir: options.baseDir ?? stored?.baseDir,
    weights: resume ? undefined : options.weights,
    settings: { ...options.settings, snapshot_prefix: folder.snapshotPrefix },
  });
  const { run: _, runs: __, resume: ___, solver: ____, ...settings } = options;
  await beginRun(folder, solver, { resume, settings: { ...settings }, command: [], warn });
  const action = () => {
    const asked = folder.action();
    return asked === "none" ? (options.action?.() ?? "none") : asked;
  };
  const keepBest = options.keepBest ?? bestScore(solver);
  for await (const event of train(solver, { measureMemory: true, ...options, action, keepBest })) {
    folder.write(event);
    yield event;
  }
}
