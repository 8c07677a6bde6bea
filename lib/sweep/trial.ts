import { join } from "node:path";
import { loadSolver } from "../caffe/load.js";
import type { SparkChoice } from "../engine/spark/choice.js";
import type { NetrunError } from "../error.js";
import { RunFolder } from "../runs/run-folder.js";
import type { SolverOptions } from "../train/solver.js";
import { Solver } from "../train/solver.js";
import type { TestScore } from "./median.js";
import { metricOf } from "../train/best.js";
import { train } from "../train/train.js";
import type { Settings } from "./settings.js";

/** Options of a sweep's solver: those that another process can be sent. */
export type TrialOptions = Pick<
  SolverOptions,
  | "batchSize"
  | "testBatchSize"
  | "onBadRecord"
  | "transform"
  | "provider"
  | "devices"
  | "threads"
  | "portable"
  | "baseDir"
  | "calibrate"
> & { readonly data?: string | undefined; readonly testData?: string | undefined };

/** A part of a run: from where it stands to an iteration. */
export interface TrialPart {
  /** Its folder, with the prototxt of its solver: it is kept there as a run. */
  readonly folder: string;
  /** Settings that the sweep tries in it. */
  readonly settings: Settings;
  readonly options: TrialOptions;
  /** The state to go on from; undefined at the start. */
  readonly snapshot: string | undefined;
  /** Updates done so far. */
  readonly from: number;
  readonly until: number;
  readonly metric: string;
  readonly maxTimeMs: number | undefined;
  /** True if tests decide whether the run goes on. */
  readonly isCompared: boolean;
  /** A cluster that the part is trained on, in a round that is one task; not for parts that another process trains. */
  readonly engine?: SparkChoice | undefined;
}

/** Result of a part. */
export interface TrialOutcome {
  readonly iteration: number;
  readonly score: number;
  readonly direction: "min" | "max";
  /** The last smoothed loss. */
  readonly loss: number;
  readonly seconds: number;
  /** The state that the next part goes on from. */
  readonly state: string | undefined;
  readonly weights: string | undefined;
  /** Every test's iteration and score. */
  readonly tests: readonly (readonly [iteration: number, score: number])[];
  /** True if it was stopped as hopeless. */
  readonly stopped: boolean;
}

/** Answers whether a run is hopeless after a test. */
export type AskHopeless = (test: TestScore) => boolean | Promise<boolean>;

/** Signals and callbacks between a part and its sweep. */
export interface Surroundings {
  readonly warn: (warning: NetrunError) => void;
  readonly isHopeless: AskHopeless;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Trains a part of a run, and scores it where it ends: earlier where a score is no finite number, or `isHopeless` says so. It is kept as a
 * run in its folder. Throws NetrunError as `train` does, and for a metric that no test gives.
 */
export async function trainPart(part: TrialPart, { warn, isHopeless, signal }: Surroundings): Promise<TrialOutcome> {
  const started = performance.now();
  const { engine, until, from, options, folder, settings } = part;
  const path = join(folder, "solver.prototxt");
  // A part is one task; one whose tests are compared is a task from test to test.
  const most = part.isCompared ? loadSolver(path).message.test_interval : until;
  const syncInterval = Math.min(Math.max(1, until - from), most);
  const place = engine && { engine, workers: 1, syncInterval, threads: undefined };
  await using solver = await Solver.load(path, { ...options, ...place, snapshot: part.snapshot });
  const metric = metricOf(part.metric, solver);
  const maxIter = solver.parameter.max_iter;
  await using run = RunFolder.within(folder, warn);
  const { net, baseDir } = solver.source;
  await run.begin({
    ...{ solver: solver.parameter, net, netFolder: baseDir, seed: solver.seed, iteration: solver.iteration },
    ...{ settings: { ...options, sweep: settings }, command: [] },
  });
  let iteration = solver.iteration;
  let loss = Number.NaN;
  let tested: { readonly iteration: number; readonly score: number } | undefined;
  const tests: (readonly [number, number])[] = [];
  let stopped = false;
  let paths: { readonly model: string; readonly state: string } | undefined;
  const events = train(solver, {
    maxTimeMs: part.maxTimeMs,
    measureMemory: true,
    // The last part ends by itself.
    action: () => ((iteration >= until && until < maxIter) || signal?.aborted ? "stop" : run.action()),
  });
  try {
    for await (const event of events) {
      run.write(event);
      if (event.kind === "iteration") {
        // The event of an update tells its number before it.
        iteration = event.iteration + 1;
        loss = event.smoothedLoss;
      }
      if (event.kind === "snapshot") paths = event.paths;
      if (event.kind !== "test" || !event.outputs[metric.name]) continue;
      tested = { iteration: event.iteration, score: event.outputs[metric.name]![0]! };
      if (!Number.isFinite(tested.score)) break;
      tests.push([tested.iteration, tested.score]);
      stopped = tested.iteration < until && (await isHopeless({ ...tested, direction: metric.direction }));
      // No snapshot is kept of a run that does not go on.
      if (stopped) break;
    }
  } catch (error) {
    const message = `the run fails: ${(error as Error).message}`;
    run.write({ kind: "warning", iteration: solver.iteration, message, notes: [] });
    throw error;
  }
  if (stopped) run.write({ kind: "done", iteration, stopped: "early-stop", skipped: 0 });
  const isTested = tested?.iteration === solver.iteration;
  const score = isTested ? tested!.score : await scoreOf(solver, metric.name, run);
  return {
    iteration: solver.iteration,
    score,
    direction: metric.direction,
    loss,
    seconds: (performance.now() - started) / 1000,
    state: paths?.state,
    weights: paths?.model,
    tests,
    stopped,
  };
}

/** A test pass of the first test net that gives the metric, which the run's log has too. */
async function scoreOf(solver: Solver, name: string, run: RunFolder): Promise<number> {
  const net = solver.tests.findIndex(({ outputs }) => outputs.includes(name));
  const { iteration } = solver;
  const { outputs, loss } = await solver.scores(net);
  run.write({ kind: "test", iteration, net, loss, outputs: listed(outputs) });
  return outputs[name]![0]!;
}

const listed = (outputs: Readonly<Record<string, ArrayLike<number>>>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(outputs).map(([name, values]) => [name, Array.from(values)]));
