import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type From, loadSolver } from "../caffe/load.js";
import { amend } from "../caffe/message.js";
import type { NetParameter, NetState, SolverParameter } from "../caffe/messages.js";
import { solverNets } from "../caffe/solver-nets.js";
import { join as joinCluster, type SparkChoice } from "../engine/spark/choice.js";
import { NetrunError } from "../error.js";
import { makeOutputFolder, writeWhole } from "../file.js";
import { checkNumber, countRange } from "../options/number.js";
import { snapshotPrefixOf } from "../runs/run-folder.js";
import { printText } from "../text/print.js";
import { checkMetric, checkTests } from "./checks.js";
import { type FoldData, foldData } from "./folds.js";
import { MedianRule } from "./median.js";
import { withPathsFrom } from "./net-paths.js";
import { HalvingSchedule, type Job } from "./schedule.js";
import { type Settings, type SolverWithNet, withSettings } from "./settings.js";
import { type SearchSpace, trialSettings } from "./space.js";
import { type FoldResult, type PartResult, readState, type SweepState, writeState } from "./state.js";
import { type Trained, trained, trainedFolds } from "./trained.js";
import type { AskHopeless, TrialOptions, TrialPart } from "./trial.js";

/** Settings that a sweep tries, its limits, and the score it chooses by. */
export interface SweepOptions extends SearchSpace, TrialOptions {
  /** A solver's prototxt (path or text), or the message. */
  readonly solver: From<SolverParameter>;
  /** The output of tests to choose by: `NAME`, `NAME:min` or `NAME:max`. */
  readonly metric: string;
  /** Folder of the sweep: its table, and each run's solver, net and snapshots. A sweep that is there goes on. Default `sweep`. */
  readonly output?: string | undefined;
  /** Runs; what is drawn needs a number. */
  readonly maxRuns?: number | undefined;
  /** No part of a run begins after this time. */
  readonly maxTimeMs?: number | undefined;
  /** Iterations after which runs are first compared; the worse ones end there. Without it every run trains to max_iter. */
  readonly firstIterations?: number | undefined;
  /** One of so many goes on from each comparison. Default 3. */
  readonly reduction?: number | undefined;
  /** After so many iterations a run ends at a test whose best score so far is worse than the median of the other runs' (see `MedianRule`). */
  readonly medianStop?: number | undefined;
  /** Each setting is trained so many times, each time tested on another part of the rows (cross-validation); its score is their mean. */
  readonly folds?: number | undefined;
  /** Runs that train at the same time, each in a process of its own, or as a task of the cluster. Default 1. */
  readonly workers?: number | undefined;
  /** A cluster that runs train on: `spark({ master })`. One application trains them all, each part of a run is a task. */
  readonly engine?: SparkChoice | undefined;
  /** Seed of what is drawn. Default 1. */
  readonly seed?: number | undefined;
  readonly onWarning?: ((warning: NetrunError) => void) | undefined;
}

/** A run of a sweep, and where it stands. */
export interface Trial {
  readonly index: number;
  readonly settings: Settings;
  readonly results: readonly PartResult[];
  /** Its folder, with `solver.prototxt` and `net.prototxt`. */
  readonly folder: string;
}

/** Events of a sweep. */
export type SweepEvent =
  | { readonly kind: "sweep-start"; readonly trials: number; readonly parts: number }
  | { readonly kind: "part-start"; readonly trial: Trial; readonly until: number }
  | { readonly kind: "part-done"; readonly trial: Trial; readonly result: PartResult }
  | { readonly kind: "sweep-done"; readonly trials: readonly Trial[]; readonly best: Trial | undefined };

/**
 * Trains a solver with many settings of its fields and its net's, and tells which is best by a score of its tests: every combination of a grid,
 * draws from ranges, or both. With `firstIterations` (ASHA) or `medianStop` bad runs end early. Each part of a run is a process of its own; a sweep that was
 * killed goes on where it was. Throws NetrunError for settings that the solver does not take, before anything trains.
 */
export async function* sweep(options: SweepOptions): AsyncGenerator<SweepEvent, void> {
  const { output = "sweep", workers = 1, seed = 1, maxRuns, reduction, firstIterations } = options;
  checkNumber("workers", workers, countRange("runs"));
  if (maxRuns !== undefined) checkNumber("maxRuns", maxRuns, countRange("runs"));
  if (firstIterations !== undefined) checkNumber("firstIterations", firstIterations, countRange("iterations"));
  if (options.medianStop !== undefined) checkNumber("medianStop", options.medianStop, countRange("iterations"));
  if (reduction !== undefined) checkNumber("reduction", reduction, { whole: true, min: 2 });
  if (options.folds !== undefined)
    checkNumber("folds", options.folds, { whole: true, min: 2, max: 1000, unit: "folds" });
  const settings = trialSettings(options, maxRuns, seed);
  const base = baseOf(options);
  // Runs are in folders of their own.
  const found = { ...base, net: withPathsFrom(base.net, base.baseDir) };
  const solvers = settings.map((each) => withSettings(found, each));
  for (const each of solvers) {
    checkMetric(options.metric, each);
    checkTests(options.medianStop, each);
  }
  const folds = options.folds === undefined ? undefined : await foldData(options.folds, { ...base, options });
  const state = stateOf(output, options, settings);
  makeOutputFolder(output);
  const trials = settings.map((each, index) => ({ index, settings: each, folder: join(output, `run-${index + 1}`) }));
  const trialOf = (index: number): Trial => ({ ...trials[index]!, results: state.trials[index]!.results });
  const iterations = base.solver.max_iter;
  const schedule = new HalvingSchedule(settings.length, {
    iterations,
    first: firstIterations,
    reduction,
    direction: state.direction ?? (/:min$|loss|err/i.test(options.metric) ? "min" : "max"),
  });
  state.trials.forEach(({ results }, index) => {
    if (results.length > 0)
      schedule.restore(
        index,
        results.map(({ iteration, score, stopped }) => ({ iteration, score, stopped })),
      );
  });
  const rule = ruleOf(options, state);
  const isHopeless =
    (trial: number, fold?: number): AskHopeless =>
    (test) =>
      rule?.isHopeless(trial, fold, test) ?? false;
  yield { kind: "sweep-start", trials: settings.length, parts: state.trials.flatMap((each) => each.results).length };
  const deadlineMs = performance.now() + (options.maxTimeMs ?? Number.POSITIVE_INFINITY);
  const running = new Map<Job, Promise<Trained>>();
  const abort = new AbortController();
  const around = { signal: abort.signal, warn: options.onWarning ?? (() => {}) };
  // The application stays from the first run to the last.
  const cluster = options.engine && (await joinCluster(options.engine));
  try {
    for (;;) {
      while (running.size < workers && performance.now() < deadlineMs) {
        const job = schedule.next();
        if (job === undefined || job === "wait") break;
        const { folder } = trials[job.trial]!;
        await writeTrial(folder, solvers[job.trial]!);
        yield { kind: "part-start", trial: trialOf(job.trial), until: job.until };
        const trial = trialOf(job.trial);
        if (!folds) {
          running.set(
            job,
            trained(job, partOf(job, trial, options, deadlineMs), { ...around, isHopeless: isHopeless(job.trial) }),
          );
          continue;
        }
        const known = state.trials[job.trial]!;
        const parts: TrialPart[] = [];
        for (const [index, fold] of folds.entries()) {
          await writeTrial(foldFolder(folder, index), wholeTests(solvers[job.trial]!));
          parts.push(foldPart(job, trial, { index, fold }, options, deadlineMs));
        }
        const done = known.pending?.until === job.until ? known.pending.folds : [];
        const keep = (finished: readonly FoldResult[]) => {
          known.pending = { until: job.until, folds: [...finished] };
          return writeState(output, state);
        };
        running.set(
          job,
          trainedFolds(job, { parts, done, keep, isHopeless: (fold) => isHopeless(job.trial, fold) }, around),
        );
      }
      if (running.size === 0) break;
      const [job, part, outcome] = await Promise.race(running.values());
      running.delete(job);
      if (outcome) state.direction = outcome.direction;
      if (!part) {
        schedule.done(job, undefined);
        continue;
      }
      delete state.trials[job.trial]!.pending;
      state.trials[job.trial]!.results.push(part);
      schedule.done(job, part.iteration === job.until ? part.score : undefined);
      await writeState(output, state);
      yield { kind: "part-done", trial: trialOf(job.trial), result: part };
    }
  } finally {
    abort.abort();
    await Promise.allSettled(running.values());
    await cluster?.close();
  }
  const all = settings.map((_, index) => trialOf(index));
  const sorted = ranked(all, state.direction ?? "max");
  yield { kind: "sweep-done", trials: sorted, best: sorted.find(({ results }) => results.at(-1)?.score !== undefined) };
}

/** The rule by which hopeless runs end, with the tests of an earlier part of the sweep. */
function ruleOf({ medianStop }: SweepOptions, { trials, direction = "max" }: SweepState): MedianRule | undefined {
  if (medianStop === undefined) return undefined;
  const rule = new MedianRule(medianStop);
  for (const [index, { results, pending }] of trials.entries())
    for (const part of [...results, ...(pending ? [pending] : [])]) {
      const parts: readonly [number | undefined, FoldResult["tests"]][] = part.folds
        ? part.folds.map(({ tests }, fold) => [fold, tests])
        : [[undefined, (part as PartResult).tests]];
      for (const [fold, tests = []] of parts)
        rule.restore(
          index,
          fold,
          tests.map(([iteration, score]) => ({ iteration, score, direction })),
        );
    }
  return rule;
}

/** Runs by how far they came, and then by their score; those without one last. */
function ranked(trials: readonly Trial[], direction: "min" | "max"): readonly Trial[] {
  const sign = direction === "max" ? -1 : 1;
  const keyOf = ({ results }: Trial) => {
    const last = results.at(-1);
    return [last?.score === undefined ? 0 : last.iteration, sign * (last?.score ?? Number.POSITIVE_INFINITY)] as const;
  };
  return [...trials].sort((one, other) => {
    const [a, b] = [keyOf(one), keyOf(other)];
    return b[0] - a[0] || (a[1] === b[1] ? one.index - other.index : a[1] - b[1]);
  });
}

/** The solver and the one net that it names. */
function baseOf({ solver: from, baseDir, onWarning }: SweepOptions): {
  solver: SolverParameter;
  net: NetParameter;
  state: NetState;
  baseDir: string;
} {
  const loaded = loadSolver(from, { onWarning });
  const { message } = loaded;
  const nets = solverNets(message, { baseDir: baseDir ?? loaded.baseDir, onWarning });
  const own = new Set([nets.train, ...nets.test].map(({ source }) => source));
  if (own.size > 1) throw new NetrunError(`a sweep takes a solver of one net: this one names ${[...own].join(", ")}`);
  return { solver: message, net: nets.train.net, state: nets.train.state, baseDir: nets.train.baseDir };
}

const foldFolder = (folder: string, index: number): string => join(folder, `fold-${index + 1}`);

/** A solver whose tests are of all the rows of a fold. */
const wholeTests = ({ solver, net }: SolverWithNet): SolverWithNet => ({
  solver: amend<SolverParameter>(solver, { test_iter: solver.test_iter.map(() => 0) }),
  net,
});

/** A part of a run on one fold. */
function foldPart(
  job: Job,
  trial: Trial,
  { index, fold }: { readonly index: number; readonly fold: FoldData },
  options: SweepOptions,
  deadlineMs: number,
): TrialPart {
  const snapshot = trial.results.at(-1)?.folds?.[index]?.state;
  const folder = foldFolder(trial.folder, index);
  const settings = { ...trial.settings, fold: String(index + 1) };
  return { ...partOf(job, { ...trial, folder, settings }, { ...options, ...fold }, deadlineMs), snapshot };
}

/** A run's solver and net, to be trained again by hand. */
async function writeTrial(folder: string, { solver, net }: SolverWithNet): Promise<void> {
  makeOutputFolder(folder);
  const named = amend<SolverParameter>(solver, {
    ...{ net: join(folder, "net.prototxt"), net_param: null, train_net: null, train_net_param: null },
    ...{
      test_net: [],
      test_net_param: [],
      snapshot_prefix: snapshotPrefixOf(folder),
      snapshot: 0,
      snapshot_after_train: true,
    },
  });
  await writeWhole(join(folder, "net.prototxt"), printText(net));
  await writeWhole(join(folder, "solver.prototxt"), printText(named));
}

function partOf(
  { until }: Job,
  { folder, settings, results }: Trial,
  options: SweepOptions,
  deadlineMs: number,
): TrialPart {
  const { data, testData, batchSize, testBatchSize, onBadRecord, transform, provider, devices, portable, calibrate } =
    options;
  const { threads = Math.max(1, Math.floor(availableParallelism() / (options.workers ?? 1))) } = options;
  const shared = {
    data,
    testData,
    batchSize,
    testBatchSize,
    onBadRecord,
    transform,
    provider,
    devices,
    portable,
    calibrate,
  };
  return {
    folder,
    settings,
    options: { ...shared, threads, baseDir: baseOf(options).baseDir },
    snapshot: results.at(-1)?.state,
    from: results.at(-1)?.iteration ?? 0,
    until,
    metric: options.metric,
    engine: options.engine,
    isCompared: options.medianStop !== undefined,
    maxTimeMs: Number.isFinite(deadlineMs) ? Math.max(0, deadlineMs - performance.now()) : undefined,
  };
}

/** State of a folder's sweep. Throws NetrunError for a folder of another sweep. */
function stateOf(output: string, options: SweepOptions, settings: readonly Settings[]): SweepState {
  const { metric, firstIterations, reduction, medianStop, grid, random, maxRuns, seed } = options;
  const { data, testData, batchSize, folds } = options;
  const solver = typeof options.solver === "string" ? options.solver : printText(options.solver);
  const key = {
    solver,
    metric,
    firstIterations,
    reduction,
    medianStop,
    grid,
    random,
    maxRuns,
    seed,
    data,
    testData,
    batchSize,
    folds,
  };
  return readState(output, JSON.stringify(key), settings);
}
